/**
 * Injects the faults of members. A fault that may take a broker away waits until the cluster can lose one: what is
 * committed is then held by others, or in the fragment store.
 */

import { Prng } from '../../../src/core/prng.ts';
import type { Counters } from '../world/counters.ts';
import type { Kernel } from '../world/kernel.ts';
import type { Broker } from './broker.ts';
import type { Cut } from './cluster-network.ts';
import type { SimulatedCluster } from './cluster.ts';
import { LossInTurn } from './loss-in-turn.ts';
import type { ClusterPlan, MemberFault } from './member-fault.ts';

const MEMBERS = 0x6d656d62;
/** A broker that is stopped or cut off from etcd for less than this part of its lease keeps it. */
const LEASE_PART = 0.5;

export type MemberFaultsOptions = {
  readonly cluster: SimulatedCluster;
  readonly plan: ClusterPlan;
  readonly kernel: Kernel;
  readonly counters: Counters;
  readonly seed: number;
  /** Heals a fault after its time, or when everything heals. */
  readonly lasts: (id: number, durationMs: number, heal: () => void) => void;
};

type Numbered = MemberFault & { readonly id: number };
type Of<K extends MemberFault['kind']> = Extract<Numbered, { kind: K }>;

export class MemberFaults {
  readonly #options: MemberFaultsOptions;
  readonly #prng: Prng;
  /** Faults under way that may take a broker away. */
  readonly #losing = new Set<number>();

  constructor(options: MemberFaultsOptions) {
    this.#options = options;
    this.#prng = Prng.fromSeed(MEMBERS, options.seed);
  }

  get #canLose(): boolean {
    return this.#losing.size === 0 && this.#options.cluster.canLose;
  }

  /** Whether it could begin now. `effective` is called once it has hit. */
  inject(fault: Numbered, effective: () => void): boolean {
    const { cluster, counters } = this.#options;
    switch (fault.kind) {
      case 'etcd-crash':
      case 'etcd-away':
        return this.#etcd(fault, effective);
      case 'all-brokers-crash':
        if (!this.#canLose) return false;
        counters.count('all brokers died at once');
        cluster.crashAll(fault);
        effective();
        return true;
      case 'member-loss-in-turn': {
        const broker = cluster.broker(fault.target);
        if (broker?.isUp !== true || !this.#canLose) return false;
        new LossInTurn({ ...this.#options, broker, downMs: fault.downMs, effective }).begin();
        return true;
      }
      case 'member-crash':
      case 'member-leave':
      case 'member-pause':
      case 'member-cut': {
        const broker = cluster.broker(fault.target);
        if (broker === undefined || !broker.isUp || broker.isPaused || broker.isLeaving) return false;
        return this.#onBroker(fault, broker, effective);
      }
      default:
        return fault satisfies never;
    }
  }

  #onBroker(
    fault: Of<'member-crash' | 'member-leave' | 'member-pause' | 'member-cut'>,
    broker: Broker,
    effective: () => void,
  ): boolean {
    switch (fault.kind) {
      case 'member-crash':
        if (!this.#canLose) return false;
        if (fault.atAppend) this.#crashAtAppend(fault, broker, effective);
        else this.#crash(fault, broker, effective);
        return true;
      case 'member-leave':
        if (!this.#canLose) return false;
        broker.isLeaving = true;
        effective();
        this.#options.lasts(fault.id, this.#options.plan.leaseMs * 2, () => {
          broker.isLeaving = false;
        });
        return true;
      case 'member-pause':
        if (this.#losesLease(fault.durationMs) && !this.#canLose) return false;
        this.#pause(fault, broker, effective);
        return true;
      case 'member-cut':
        if (this.#mayLose(fault)) {
          if (!this.#canLose) return false;
          this.#losing.add(fault.id);
        }
        this.#cut(fault, broker, effective);
        return true;
      default:
        return fault satisfies never;
    }
  }

  #mayLose({ dies, from, durationMs }: Of<'member-cut'>): boolean {
    return dies || (from === 'etcd' && this.#losesLease(durationMs));
  }

  #losesLease(durationMs: number): boolean {
    return durationMs > this.#options.plan.leaseMs * LEASE_PART;
  }

  #crash({ downMs }: Of<'member-crash'>, broker: Broker, effective: () => void): void {
    this.#options.counters.count('broker killed');
    this.#options.cluster.crash(broker, downMs);
    effective();
  }

  #crashAtAppend(fault: Of<'member-crash'>, broker: Broker, effective: () => void): void {
    const { cluster, kernel, counters } = this.#options;
    const { life } = broker;
    const appends = (): void => {
      if (!this.#canLose) {
        broker.whenAppending = appends;
        return;
      }
      // Another broker must not be taken away before this one is.
      this.#losing.add(fault.id);
      kernel.after(this.#prng.below(2 * cluster.network.messageNs), () => {
        this.#losing.delete(fault.id);
        if (!broker.isUp || broker.life !== life) return;
        counters.count('broker killed while it replicated an append');
        this.#crash(fault, broker, effective);
      });
    };
    broker.whenAppending = appends;
  }

  #pause({ id, durationMs }: Of<'member-pause'>, broker: Broker, effective: () => void): void {
    const { counters, lasts } = this.#options;
    const { life } = broker;
    broker.pause();
    if (this.#losesLease(durationMs)) this.#losing.add(id);
    lasts(id, durationMs, () => {
      this.#losing.delete(id);
      if (!broker.isUp || broker.life !== life) return;
      if (this.#losesLease(durationMs)) counters.count('broker paused beyond its lease');
      broker.resume();
      effective();
    });
  }

  #cut(fault: Of<'member-cut'>, broker: Broker, effective: () => void): void {
    const { cluster, lasts, counters } = this.#options;
    const { network } = cluster;
    const { name } = broker;
    const before = network.affected(name);
    const isIt = (other: string): boolean => other === name;
    const isOther = this.#others(fault.from, name);
    const cuts: Cut[] = fault.directions.map((direction) =>
      direction === 'in' ? { from: isOther, to: isIt } : { from: isIt, to: isOther },
    );
    for (const cut of cuts) network.cut(cut);
    lasts(fault.id, fault.durationMs, () => {
      this.#losing.delete(fault.id);
      if (network.affected(name) > before) {
        counters.count(`broker cut off from ${fault.from}`);
        effective();
      }
      if (fault.dies && cluster.areOthersUp(broker)) {
        counters.count('broker lost while it was cut off');
        cluster.crash(broker, 1_000);
      }
      for (const cut of cuts) network.mend(cut);
    });
  }

  #others(from: Of<'member-cut'>['from'], name: string): (other: string) => boolean {
    const { brokers, etcd } = this.#options.cluster;
    const peers = new Set(brokers.map((broker) => broker.name).filter((other) => other !== name));
    const etcds = new Set(etcd.members.map((member) => member.name));
    switch (from) {
      case 'peers':
        return (other) => peers.has(other);
      case 'etcd':
        return (other) => etcds.has(other);
      case 'clients':
        return (other) => other !== name && !peers.has(other) && !etcds.has(other);
      default:
        return from satisfies never;
    }
  }

  #etcd(fault: Of<'etcd-crash' | 'etcd-away'>, effective: () => void): boolean {
    const { cluster, counters, lasts } = this.#options;
    const { etcd } = cluster;
    const wanted = fault.kind === 'etcd-crash' ? [etcd.named(fault.target)] : etcd.members.slice(0, 2);
    const members = wanted.filter((member) => member !== undefined).filter(({ isUp }) => isUp);
    if (members.length < wanted.length) return false;
    for (const member of members) member.crash();
    counters.count(fault.kind === 'etcd-crash' ? 'member of etcd killed' : 'etcd away');
    effective();
    lasts(fault.id, fault.kind === 'etcd-crash' ? fault.downMs : fault.durationMs, () => {
      for (const member of members) etcd.start(member);
    });
    return true;
  }
}
