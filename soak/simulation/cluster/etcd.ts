/**
 * The cluster's etcd: keys with revisions, and three members of which two must be up to answer. What is proposed while
 * too few are up hangs, and may be carried out when they are back, which its client is not told.
 */

import { Prng } from '../../../src/core/prng.ts';
import type { RangeRequest, RangeResponse, TxnRequest, TxnResponse } from '../../../src/journal/gazette/wire.ts';
import type { Counters } from '../world/counters.ts';
import { CALLS_KEPT } from './broker.ts';
import type { Call, ClusterNetwork, Member } from './cluster-network.ts';

const MEMBERS = 3;
const CLUSTER_ID = '11';
const ETCD = 0x65746364;

class EtcdMember implements Member {
  readonly name: string;
  readonly #etcd: SimulatedEtcd;
  readonly #calls = new Set<Call>();
  isUp = true;

  constructor(name: string, etcd: SimulatedEtcd) {
    this.name = name;
    this.#etcd = etcd;
  }

  receive(call: Call, serve: () => void): void {
    if (!this.isUp) return this.#etcd.network.refused(call, 'connection refused (simulated)');
    this.#calls.add(call);
    if (this.#calls.size > CALLS_KEPT) for (const each of this.#calls) if (each.isOver) this.#calls.delete(each);
    if (this.#etcd.isAvailable) serve();
    else this.#etcd.wait(serve);
  }

  crash(): void {
    this.isUp = false;
    for (const call of this.#calls) this.#etcd.network.refused(call, 'connection reset (simulated)');
    this.#calls.clear();
  }
}

export class SimulatedEtcd {
  readonly network: ClusterNetwork;
  readonly members: readonly EtcdMember[];
  readonly #counters: Counters;
  readonly #prng: Prng;
  readonly #onChanged: (key: string, value: Buffer | null) => void;
  readonly #keys = new Map<string, { readonly value: Buffer; readonly revision: number }>();
  #waiting: (() => void)[] = [];
  #revision = 1;

  constructor(options: {
    readonly network: ClusterNetwork;
    readonly counters: Counters;
    readonly seed: number;
    readonly onChanged: (key: string, value: Buffer | null) => void;
  }) {
    this.network = options.network;
    this.#counters = options.counters;
    this.#prng = Prng.fromSeed(ETCD, options.seed);
    this.#onChanged = options.onChanged;
    this.members = Array.from({ length: MEMBERS }, (_, index) => new EtcdMember(`etcd-${index + 1}`, this));
  }

  get isAvailable(): boolean {
    return this.members.filter(({ isUp }) => isUp).length * 2 > MEMBERS;
  }

  named(name: string): EtcdMember | undefined {
    return this.members.find((member) => member.name === name);
  }

  /** Whether anybody who asks from there is answered. */
  isReachable(from: string): boolean {
    return this.isAvailable && this.members.some(({ name, isUp }) => isUp && this.network.isOpen(from, name));
  }

  wait(serve: () => void): void {
    this.#waiting.push(serve);
  }

  start(member: EtcdMember): void {
    member.isUp = true;
    if (!this.isAvailable) return;
    for (const serve of this.#waiting.splice(0)) {
      if (this.#prng.below(2) === 0) continue;
      this.#counters.count('etcd carried out what its client had given up');
      serve();
    }
  }

  range({ key, range_end: end }: RangeRequest): RangeResponse {
    const header = { cluster_id: CLUSTER_ID };
    if (end === undefined) {
      const found = this.#keys.get(key.toString());
      if (found === undefined) return { header, kvs: [] };
      return { header, kvs: [{ key, value: found.value, mod_revision: String(found.revision) }] };
    }
    const kvs = [...this.#keys]
      .map(([name, { value, revision }]) => ({ key: Buffer.from(name), value, mod_revision: String(revision) }))
      .filter(({ key: name }) => Buffer.compare(name, key) >= 0 && Buffer.compare(name, end) < 0)
      .toSorted((a, b) => Buffer.compare(a.key, b.key));
    return { header, kvs };
  }

  txn({ compare, success }: TxnRequest): TxnResponse {
    const holds = compare.every(
      ({ key, mod_revision: revision }) => (this.#keys.get(key.toString())?.revision ?? 0) === Number(revision),
    );
    if (!holds) return { succeeded: false };
    this.#revision += 1;
    for (const change of success) {
      if ('request_put' in change) {
        const { key, value } = change.request_put;
        this.#keys.set(key.toString(), { value, revision: this.#revision });
        this.#onChanged(key.toString(), value);
      } else {
        const key = change.request_delete_range.key.toString();
        this.#keys.delete(key);
        this.#onChanged(key, null);
      }
    }
    return { succeeded: true };
  }
}
