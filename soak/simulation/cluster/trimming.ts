/**
 * Retention as an operator of the cluster has it: primaries upload what they hold, and a command removes from the store
 * what is older than the retention. Brokers miss it when they look at the store again.
 *
 * A retention is longer than anything takes that is under way. So only that is removed which nobody has needed for so
 * long: what the shard has reported, what every verifier's pin and every producer's place is beyond, what a noted
 * snapshot of a state log replaces. The newest fragment stays: brokers that are lost all at once go on behind it.
 *
 * In the plan of a planted bug the retention is shorter than the absence of a verifier, whose pin then counts for
 * nothing.
 */

import { asRecord } from '../../../src/core/assert.ts';
import { SUMS_JOURNAL, stateJournal } from '../../../src/journal/journals.ts';
import type { Kernel } from '../world/kernel.ts';
import type { Absences } from './absences.ts';
import type { Ref } from './broker.ts';
import type { SimulatedEtcd } from './etcd.ts';
import type { Journal } from './journal.ts';
import type { Segment } from './replica.ts';

/** Between two uploads, and two runs of the command. */
const TICK_NS = 3e9;

export type TrimmingOptions = {
  readonly cluster: {
    readonly isStopped: boolean;
    readonly journals: readonly Journal[];
    readonly etcd: SimulatedEtcd;
    readonly absences: Absences;
    persist(ref: Ref, journal: Journal): void;
  };
  /** Stands before the name of each journal and each key. */
  readonly prefix: string;
  readonly partitions: number;
  readonly kernel: Kernel;
  readonly retentionMs: number;
  readonly onTrimmed: (journal: Journal, removed: readonly Segment[]) => void;
};

/** Up to where a journal was not needed. */
type Unneeded = { readonly atNs: number; readonly end: number };

export class Trimming {
  readonly #options: TrimmingOptions;
  readonly #unneeded = new Map<Journal, Unneeded[]>();

  constructor(options: TrimmingOptions) {
    this.#options = options;
  }

  tick(): void {
    const { cluster, kernel, retentionMs, onTrimmed } = this.#options;
    if (cluster.isStopped) return;
    const { nowNs } = kernel;
    const { absences } = cluster;
    const beforeNs = nowNs - retentionMs * 1e6;
    for (const journal of cluster.journals) {
      const [primary] = journal.route.members;
      if (primary !== undefined) cluster.persist(primary, journal);
      const unneeded = this.#unneeded.get(journal) ?? [];
      this.#unneeded.set(journal, unneeded);
      unneeded.push({ atNs: nowNs, end: this.#unneededEnd(journal, (producer) => absences.isAway(producer)) });
      const end = unneeded.findLast(({ atNs }) => atNs <= beforeNs)?.end ?? 0;
      // Who is back before the retention is over needs the rest.
      const now = this.#unneededEnd(journal, (producer) => absences.isLong(producer));
      const removed = journal.trim({ end: Math.min(end, now), beforeNs, nowNs });
      if (removed.length > 0) onTrimmed(journal, removed);
    }
    kernel.after(TICK_NS, () => this.tick());
  }

  /** `forgets`: whose pin does not count. */
  #unneededEnd({ name }: Journal, forgets: (producer: string) => boolean): number {
    const { partitions, prefix } = this.#options;
    const plain = name.slice(prefix.length);
    const places = this.#values(`indexes/${plain}/`)
      .filter(({ value }) => value['ended'] !== true)
      .map(({ value }) => countOf(value['offset']));
    if (plain === SUMS_JOURNAL) {
      const pins = this.#values(`pins/${plain}/`);
      const counted = pins.filter((pin) => !forgets(pin.name)).map(({ value }) => countOf(value['offset']));
      return pins.length === 0 ? 0 : Math.min(...counted, ...places);
    }
    for (let shard = 0; shard < partitions; shard += 1) {
      if (plain === stateJournal(shard)) return countOf(this.#value(`states/${shard}`)?.['begin']);
    }
    const shard = Number(plain.slice(-3));
    return Math.min(countOf(this.#value(`shards/${shard}`)?.['pin']), ...places);
  }

  #value(key: string): Readonly<Record<string, unknown>> | null {
    const [found] = this.#options.cluster.etcd.range({ key: this.#key(key) }).kvs;
    return found === undefined ? null : asRecord(JSON.parse(found.value.toString()));
  }

  /** `name`: what follows the prefix. */
  #values(prefix: string): { readonly name: string; readonly value: Readonly<Record<string, unknown>> }[] {
    const range = { key: this.#key(prefix), range_end: this.#key(`${prefix.slice(0, -1)}0`) };
    const { kvs } = this.#options.cluster.etcd.range(range);
    const { length } = this.#key(prefix);
    return kvs.map(({ key, value }) => ({
      name: key.toString('utf8', length),
      value: asRecord(JSON.parse(value.toString())) ?? {},
    }));
  }

  #key(name: string): Buffer {
    return Buffer.from(`/${this.#options.prefix}${name}`);
  }
}

/** What is not known is needed from the beginning. */
function countOf(value: unknown): number {
  return typeof value === 'number' ? value : 0;
}
