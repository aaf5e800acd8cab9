/**
 * The network between clients, brokers and members of etcd: every message takes its time, messages of one call keep
 * their order, and a cut between two sets of names holds messages back until it is healed. Calls end as gRPC ends them:
 * by an answer, by UNAVAILABLE when a connection breaks or its peer dies, or by their deadline, which the client keeps.
 */

import { Prng } from '../../../src/core/prng.ts';
import type { Counters } from '../world/counters.ts';
import type { Incarnation } from '../world/incarnation.ts';
import type { Kernel } from '../world/kernel.ts';
import { DIRECTIONS, type Direction } from '../world/link.ts';

export const UNAVAILABLE = 14;
export const DEADLINE_EXCEEDED = 4;
/** A connection whose peer has not been heard for so long is given up. */
export const KEEPALIVE_NS = 15e9;
/** Until a client notices that its connection was lost, at most. */
const NOTICE_NS = 1.2e9;
const NETWORK = 0x636e6574;

export type ClusterNetworkOptions = {
  readonly kernel: Kernel;
  readonly seed: number;
  readonly counters: Counters;
  /** The delay of one message, in ns: the least, and the most that is added at random. */
  readonly delayNs: number;
  readonly jitterNs: number;
};

/** Messages from one set of names to another do not pass. */
export type Cut = { readonly from: (name: string) => boolean; readonly to: (name: string) => boolean };

/** What a member does with a request, and how it answers. */
export type Served<Message> = {
  readonly call: Call;
  message(message: Message): void;
  end(): void;
};

/** Somebody who can be asked. */
export interface Member {
  readonly name: string;
  /** A request has arrived. `serve` runs now, when the member wakes, or never. */
  receive(call: Call, serve: () => void): void;
}

/** One request of a client. */
export type Call = {
  readonly client: Incarnation;
  readonly member: string;
  /** The client takes no more answers. */
  isOver: boolean;
  /** The request was lost on its way. */
  isLost: boolean;
  hasArrived: boolean;
  /** Ends it with an error of gRPC, at the client and at once. */
  readonly fail: (code: number, why: string) => void;
  /** Takes back its timers. */
  clear: () => void;
};

const isAny = (): boolean => true;

/** Messages of one lane arrive in their order. `mendedNs`: when those that a cut has held back have arrived. */
export class Lane {
  lastNs = 0;
  mendedNs = 0;
}

type Held = { readonly from: string; readonly to: string; readonly lane: Lane; readonly call: () => void };

export class ClusterNetwork {
  readonly #options: ClusterNetworkOptions;
  readonly #prng: Prng;
  readonly #cuts = new Set<Cut>();
  readonly #blocks = new Map<string, Cut>();
  readonly #extraNs = new Map<string, number>();
  readonly #affected = new Map<string, number>();
  readonly #calls = new Set<Call>();
  #held: Held[] = [];

  constructor(options: ClusterNetworkOptions) {
    this.#options = options;
    this.#prng = Prng.fromSeed(NETWORK, options.seed);
  }

  /** How long a message takes at most, where nothing is wrong. */
  get messageNs(): number {
    return this.#options.delayNs + this.#options.jitterNs;
  }

  /** Calls at the other end, after a delay; not before what the same lane brought. */
  send(from: string, to: string, call: () => void, lane: Lane = new Lane()): void {
    const { kernel, delayNs, jitterNs } = this.#options;
    const extraNs = (this.#extraNs.get(from) ?? 0) + (this.#extraNs.get(to) ?? 0);
    if (extraNs > 0) this.#affect(from, to);
    const atNs = Math.max(lane.lastNs, kernel.nowNs + delayNs + this.#prng.below(jitterNs + 1) + extraNs);
    lane.lastNs = atNs;
    kernel.after(atNs - kernel.nowNs, () => {
      if (!this.isCut(from, to)) return this.#arrives(lane, call);
      this.#affect(from, to);
      this.#held.push({ from, to, lane, call });
    });
  }

  isCut(from: string, to: string): boolean {
    for (const cut of this.#cuts) if (cut.from(from) && cut.to(to)) return true;
    return false;
  }

  /** A message that was on its way when a cut was mended comes behind what the cut has held back. */
  #arrives(lane: Lane, call: () => void): void {
    const { kernel } = this.#options;
    if (lane.mendedNs <= kernel.nowNs) call();
    else kernel.after(lane.mendedNs - kernel.nowNs, call);
  }

  /** Whether neither way is cut. */
  isOpen(a: string, b: string): boolean {
    return !this.isCut(a, b) && !this.isCut(b, a);
  }

  cut(cut: Cut): void {
    this.#cuts.add(cut);
  }

  /** What was held back arrives now, in its order. */
  mend(cut: Cut): void {
    this.#cuts.delete(cut);
    const held = this.#held;
    this.#held = held.filter(({ from, to }) => this.isCut(from, to));
    const lateNs = this.#prng.below(1e6);
    const { kernel } = this.#options;
    for (const { from, to, lane, call } of held) {
      if (this.isCut(from, to)) continue;
      kernel.after(lateNs, call);
      lane.mendedNs = kernel.nowNs + lateNs;
    }
  }

  /** A number of messages that cuts held back, or that were slow, or calls that were broken. */
  affected(name: string): number {
    return this.#affected.get(name) ?? 0;
  }

  /** Something that is not simulated as a message did not pass. */
  misses(name: string): void {
    this.#affected.set(name, this.affected(name) + 1);
  }

  // --- the faults of a client's links ---

  block(name: string, directions: readonly Direction[], { isNoticed }: { isNoticed: boolean }): void {
    for (const direction of directions.filter((each) => !this.#blocks.has(`${each} ${name}`))) {
      const isIt = (other: string): boolean => other === name;
      const cut = direction === 'to-broker' ? { from: isIt, to: isAny } : { from: isAny, to: isIt };
      this.#blocks.set(`${direction} ${name}`, cut);
      this.cut(cut);
    }
    if (isNoticed && this.#prng.below(2) === 0) {
      this.#options.kernel.after(NOTICE_NS, () => {
        if (directions.some((direction) => this.#blocks.has(`${direction} ${name}`))) this.breakLinks(name);
      });
    }
  }

  unblock(name: string, directions: readonly Direction[] = DIRECTIONS): void {
    for (const direction of directions) {
      const key = `${direction} ${name}`;
      const cut = this.#blocks.get(key);
      if (cut === undefined) continue;
      this.#blocks.delete(key);
      this.mend(cut);
    }
  }

  slow(name: string, extraDelayNs: number): void {
    this.#extraNs.set(name, extraDelayNs);
  }

  /** Breaks every connection of the process. Returns how many calls were under way. */
  breakLinks(name: string): number {
    const calls = Array.from(this.#calls).filter(({ client }) => client.name === name);
    if (calls.length > 0) this.#options.counters.count('connections broken');
    for (const call of calls) {
      this.#affect(name, call.member);
      // A request on its way arrives, later than it would have, or never.
      call.isLost = !call.hasArrived && this.#prng.below(2) === 0;
      this.#fails(call, 'the connection was lost (simulated)');
    }
    return calls.length;
  }

  unreachable(name: string): boolean {
    return this.breakLinks(name) > 0;
  }

  #fails(call: Call, why: string): void {
    const noticeNs = this.#prng.below(2) === 0 ? this.#prng.below(5e6) : this.#prng.below(NOTICE_NS);
    this.#options.kernel.after(noticeNs, () => call.client.enter(() => call.fail(UNAVAILABLE, why)));
  }

  /** A client's process has ended. What it had sent may still arrive. */
  clientGone(client: Incarnation): void {
    for (const call of this.#calls) if (call.client === client) this.#over(call);
  }

  // --- calls ---

  /**
   * Asks a member. `serve` is called there. Every message and the end reach the client in their order, unless its
   * deadline comes first or the connection breaks.
   */
  ask<Message>(
    client: Incarnation,
    member: Member,
    how: {
      readonly deadlineMs: number;
      readonly serve: (served: Served<Message>) => void;
      readonly onMessage: (message: Message) => void;
      readonly onEnd: (error: Error | null) => void;
    },
  ): Call {
    const { kernel } = this.#options;
    const end = (error: Error | null): void => {
      if (call.isOver) return;
      this.#over(call);
      how.onEnd(error);
    };
    const call: Call = {
      client,
      member: member.name,
      isOver: false,
      isLost: false,
      hasArrived: false,
      fail: (code, why) => end(grpcError(code, why)),
      clear: () => {},
    };
    if (!client.isAlive()) return { ...call, isOver: true };
    this.#calls.add(call);
    const timer = client.clock.after(how.deadlineMs, () => call.fail(DEADLINE_EXCEEDED, 'Deadline exceeded'));
    const keepsAlive = (): void => {
      if (call.isOver) return;
      if (this.isOpen(client.name, member.name)) {
        alive = kernel.after(KEEPALIVE_NS, keepsAlive);
        return;
      }
      client.enter(() => call.fail(UNAVAILABLE, 'keepalive timed out (simulated)'));
    };
    let alive = kernel.after(KEEPALIVE_NS, keepsAlive);
    call.clear = () => {
      timer.clear();
      kernel.cancel(alive);
    };
    const back = new Lane();
    const answer = (arrives: () => void): void =>
      this.send(member.name, client.name, () => client.enter(() => (call.isOver ? undefined : arrives())), back);
    const served: Served<Message> = {
      call,
      message: (message) => answer(() => how.onMessage(message)),
      end: () => answer(() => end(null)),
    };
    this.send(client.name, member.name, () => {
      if (call.isLost) return;
      call.hasArrived = true;
      member.receive(call, () => how.serve(served));
    });
    return call;
  }

  /** The client has cancelled it, or has its answer. */
  cancel(call: Call): void {
    this.#over(call);
  }

  /** The member has ended, and its host says so. */
  refused(call: Call, why: string): void {
    this.send(call.member, call.client.name, () => call.client.enter(() => call.fail(UNAVAILABLE, why)));
  }

  #over(call: Call): void {
    call.isOver = true;
    call.clear();
    this.#calls.delete(call);
  }

  #affect(a: string, b: string): void {
    for (const name of [a, b]) this.#affected.set(name, this.affected(name) + 1);
  }
}

/** As the gRPC library throws it. */
export function grpcError(code: number, details: string): Error {
  return Object.assign(new Error(`${code} ${details}`), { code, details });
}
