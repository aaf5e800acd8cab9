/**
 * The replication of one journal by its primary, for one route. A pipeline holds the spool of each member, so that no
 * other primary can append there, until its connection to that member ends. It begins with what the member that has
 * most of the journal has.
 */

import { assert } from '../../../src/core/assert.ts';
import { type Broker, type Ref, type Replication, type Route, isRunning } from './broker.ts';
import { KEEPALIVE_NS } from './cluster-network.ts';
import type { Journal } from './journal.ts';
import type { Peers } from './peers.ts';
import type { Holder, Replica, Segment } from './replica.ts';

export class Pipeline implements Holder, Replication {
  readonly #peers: Peers;
  readonly #journal: Journal;
  readonly #primary: Ref;
  readonly route: Route;
  #isBroken = false;

  constructor(options: {
    readonly peers: Peers;
    readonly journal: Journal;
    readonly primary: Ref;
    readonly route: Route;
  }) {
    this.#peers = options.peers;
    this.#journal = options.journal;
    this.#primary = options.primary;
    this.route = options.route;
  }

  isBroken(): boolean {
    return this.#isBroken;
  }

  /** Whether all members agree from now on. If not, nothing is held. */
  async open(): Promise<boolean> {
    const { name } = this.#journal;
    const joined = await this.#all((member) => {
      const replica = member.replica(name);
      const isFree = replica.heldBy === null || replica.heldBy === this;
      if (!isFree || (member.routes.get(name)?.revision ?? 0) > this.route.revision) return null;
      replica.heldBy = this;
      return replica;
    });
    const replicas = joined.filter((replica) => replica !== null);
    if (this.#isBroken || replicas.length < joined.length) {
      this.break();
      return false;
    }
    const most = replicas.reduce((best, replica) => (replica.end > best.end ? replica : best));
    const isRolled = replicas.some(({ end }) => end !== most.end);
    const { chain, end, registers } = most;
    const known = { chain: [...chain], end, registers };
    const followed = await this.#all((member) => {
      const replica = member.replica(name);
      if (replica.heldBy !== this) return null;
      if (replica.end !== known.end) replica.follow(known);
      member.changed(name);
      return replica;
    });
    if (this.#isBroken || followed.includes(null)) {
      this.break();
      return false;
    }
    this.#journal.commit(this.#own);
    this.#journal.syncedRevision = Math.max(this.#journal.syncedRevision, this.route.revision);
    if (isRolled) this.#peers.persistAfterRoll(this.#journal, this.route.members);
    return true;
  }

  /** Adds a segment, and registers, at every member; without a segment it is a barrier. False: somebody has not. */
  async commit(segment: Segment | null, registers: ReadonlyMap<string, string>): Promise<boolean> {
    const { name } = this.#journal;
    const done = await this.#all((member) => {
      const replica = member.replica(name);
      if (replica.heldBy !== this) return null;
      if (segment !== null) {
        assert(replica.end === segment.begin, 'members of a pipeline agree');
        replica.add(segment);
        member.changed(name);
      }
      replica.registers = registers;
      return replica;
    });
    if (this.#isBroken || done.includes(null)) {
      this.break();
      return false;
    }
    this.#journal.commit(this.#own);
    return true;
  }

  get #own(): Replica {
    return this.#primary.broker.replica(this.#journal.name);
  }

  /** At every member at once, as far as its connection goes; the primary is the first. */
  #all<T>(act: (member: Broker) => T | null): Promise<(T | null)[]> {
    return Promise.all(
      this.route.members.map((member) => this.#peers.remote<T | null>(this.#primary, member, () => act(member.broker))),
    );
  }

  /** Ends it. Each member hears of that as far as the network goes, or misses the primary after some time. */
  break(): void {
    if (this.#isBroken) return;
    this.#isBroken = true;
    for (const member of this.route.members) {
      const release = (): void => {
        if (!isRunning(member)) return;
        const replica = member.broker.replica(this.#journal.name);
        if (replica.heldBy === this) replica.heldBy = null;
      };
      if (member.broker === this.#primary.broker) release();
      else this.#peers.tell(this.#primary, member, release);
      this.#peers.after(KEEPALIVE_NS, release);
    }
  }
}
