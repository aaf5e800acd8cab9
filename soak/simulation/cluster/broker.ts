/**
 * One broker over its lives: what it has of each journal, the routes that it knows of, and whom it hears. It dies with
 * everything that its spools held. While it is stopped it answers nobody, and its peers wait for it.
 */

import type { Call, ClusterNetwork, Member } from './cluster-network.ts';
import { Replica, type Segment } from './replica.ts';

/** One process of a broker: a broker that starts again is another one. */
export type Ref = { readonly broker: Broker; readonly life: number };

/** The first member is the primary. */
export type Route = { readonly revision: number; readonly members: readonly Ref[] };

/** The replication of a journal by its primary: `pipeline.ts`. */
export interface Replication {
  readonly route: Route;
  isBroken(): boolean;
  commit(segment: Segment | null, registers: ReadonlyMap<string, string>): Promise<boolean>;
  break(): void;
}

/** From so many calls on, those that are over are forgotten. */
export const CALLS_KEPT = 256;

type Arrived = { readonly life: number; readonly run: () => void; readonly gone: () => void };

export class Broker implements Member {
  readonly name: string;
  readonly #network: ClusterNetwork;
  /** Whether every life has the same id, as a broker whose operator has named it. */
  readonly #keepsId: boolean;
  life = 0;
  isUp = false;
  isPaused = false;
  /** It wants to end, and waits for successors. */
  isLeaving = false;
  /** When its lease was last kept alive. */
  leasedNs = 0;
  startedNs = 0;
  readonly #replicas = new Map<string, Replica>();
  /** Routes as it has heard of them. */
  readonly routes: Map<string, Route> = new Map<string, Route>();
  readonly pipelines: Map<string, Replication> = new Map<string, Replication>();
  readonly #turns = new Map<string, Promise<void>>();
  readonly #changed = new Map<string, Set<() => void>>();
  readonly #calls = new Set<Call>();
  readonly #inbound = new Set<() => void>();
  #arrived: Arrived[] = [];
  /** Called once, by the next append of content that it carries out as a primary. */
  whenAppending: (() => void) | null = null;

  constructor(name: string, options: { readonly network: ClusterNetwork; readonly keepsId: boolean }) {
    this.name = name;
    this.#network = options.network;
    this.#keepsId = options.keepsId;
  }

  get ref(): Ref {
    return { broker: this, life: this.life };
  }

  idOf(life: number): { zone: string; suffix: string } {
    return { zone: 'zone', suffix: this.#keepsId ? this.name : `${this.name}-${life}` };
  }

  replica(journal: string): Replica {
    let replica = this.#replicas.get(journal);
    if (replica === undefined) {
      replica = new Replica();
      this.#replicas.set(journal, replica);
    }
    return replica;
  }

  start(nowNs: number): void {
    this.life += 1;
    this.isUp = true;
    this.leasedNs = nowNs;
    this.startedNs = nowNs;
  }

  crash(): void {
    if (!this.isUp) return;
    this.isUp = false;
    this.isPaused = false;
    this.isLeaving = false;
    this.whenAppending = null;
    for (const pipeline of this.pipelines.values()) pipeline.break();
    this.pipelines.clear();
    this.#replicas.clear();
    this.routes.clear();
    this.#turns.clear();
    for (const call of this.#calls) this.#network.refused(call, 'connection reset (simulated)');
    this.#calls.clear();
    for (const gone of this.#inbound) gone();
    this.#inbound.clear();
    for (const { gone } of this.#arrived.splice(0)) gone();
    for (const waiting of this.#changed.values()) for (const wake of waiting) wake();
    this.#changed.clear();
  }

  pause(): void {
    this.isPaused = true;
  }

  resume(): void {
    if (!this.isPaused) return;
    this.isPaused = false;
    for (const arrived of this.#arrived.splice(0)) this.handle(arrived.life, arrived.run, arrived.gone);
  }

  receive(call: Call, serve: () => void): void {
    if (!this.isUp) return this.#network.refused(call, 'connection refused (simulated)');
    this.#calls.add(call);
    if (this.#calls.size > CALLS_KEPT) for (const each of this.#calls) if (each.isOver) this.#calls.delete(each);
    this.handle(this.life, serve, () => {});
  }

  /** The call has its answer. */
  answered(call: Call): void {
    this.#calls.delete(call);
  }

  /** Something has arrived for one of its lives: it is done now, when the process goes on, or it is too late. */
  handle(life: number, run: () => void, gone: () => void): void {
    if (!this.isUp || this.life !== life) gone();
    else if (this.isPaused) this.#arrived.push({ life, run, gone });
    else run();
  }

  /** `gone` is called if the process ends before it is taken back. */
  expects(gone: () => void): () => void {
    this.#inbound.add(gone);
    return () => void this.#inbound.delete(gone);
  }

  /** One after the other, for each journal. */
  inTurn<T>(journal: string, work: () => Promise<T>): Promise<T> {
    const before = this.#turns.get(journal) ?? Promise.resolve();
    const done = before.then(work);
    this.#turns.set(
      journal,
      done.then(
        () => undefined,
        () => undefined,
      ),
    );
    return done;
  }

  /** Somebody may wait for what the journal has here. */
  changed(journal: string): void {
    const waiting = this.#changed.get(journal);
    if (waiting === undefined) return;
    this.#changed.delete(journal);
    for (const wake of waiting) wake();
  }

  whenChanged(journal: string, wake: () => void): void {
    const waiting = this.#changed.get(journal) ?? new Set();
    waiting.add(wake);
    this.#changed.set(journal, waiting);
  }
}

/** Whether this very process still runs. */
export function isRunning({ broker, life }: Ref): boolean {
  return broker.isUp && broker.life === life;
}

export function isPrimary({ members }: Route, ref: Ref): boolean {
  const [first] = members;
  return first !== undefined && isSameRef(first, ref);
}

export function isSameRef(a: Ref, b: Ref | undefined): boolean {
  return b !== undefined && a.broker === b.broker && a.life === b.life;
}
