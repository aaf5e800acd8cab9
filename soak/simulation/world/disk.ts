/**
 * Simulated disks. A `Disk` holds the durable data, and outlives the process. A `SimulatedStore` is one incarnation's
 * access to it, with the rules of the real store: one commit at a time, nothing visible before it is durable, and no
 * value that changes before its commit has resolved.
 */

import { assert } from '../../../src/core/assert.ts';
import { OperatingError } from '../../../src/core/errors.ts';
import type { Prng } from '../../../src/core/prng.ts';
import type { Entry, Range, Store, StoreReader, Write } from '../../../src/store/store.ts';
import type { Incarnation } from './incarnation.ts';
import type { Kernel } from './kernel.ts';
import type { Reason } from './reason.ts';

/** Rows in the order of their keys. Keys are held as latin1 text, which compares as bytes do. */
class Table {
  #keys: string[] = [];
  #values = new Map<string, Buffer>();

  get(key: string): Buffer | undefined {
    return this.#values.get(key);
  }

  set(key: string, value: Buffer | null): void {
    const at = this.#position(key);
    const isKnown = this.#keys[at] === key;
    if (value === null) {
      if (isKnown) this.#keys.splice(at, 1);
      this.#values.delete(key);
      return;
    }
    if (!isKnown) this.#keys.splice(at, 0, key);
    this.#values.set(key, value);
  }

  copy(): Table {
    const copy = new Table();
    copy.#keys = [...this.#keys];
    copy.#values = new Map(this.#values);
    return copy;
  }

  keys({ from, to, limit = Number.POSITIVE_INFINITY, reverse = false }: Range): string[] {
    const first = this.#position(from.toString('latin1'));
    const last = this.#position(to.toString('latin1'));
    if (reverse) return this.#keys.slice(Math.max(first, last - limit), last).toReversed();
    return this.#keys.slice(first, Math.min(last, first + limit));
  }

  get bytes(): number {
    let bytes = 0;
    for (const value of this.#values.values()) bytes += value.length;
    return bytes;
  }

  /** The index of the key, or where it would be. */
  #position(key: string): number {
    let low = 0;
    let high = this.#keys.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if ((this.#keys[middle] ?? '') < key) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}

/** The content of a disk at some time, by table. Values are never changed in place. */
export type DiskCopy = ReadonlyMap<string, Table>;

/** Writes whose values belong to the disk. */
export type OwnedWrites = readonly { readonly table: string; readonly key: Buffer; readonly value: Buffer | null }[];

export class Disk implements StoreReader {
  readonly path: string;
  readonly #tables = new Map<string, Table>();
  /** Called when writes have become durable. */
  readonly #onDurable: (disk: Disk, writes: OwnedWrites) => void;

  constructor(path: string, onDurable: (disk: Disk, writes: OwnedWrites) => void) {
    this.path = path;
    this.#onDurable = onDurable;
  }

  get(table: string, key: Buffer): Buffer | undefined {
    const value = this.#tables.get(table)?.get(key.toString('latin1'));
    return value === undefined ? undefined : Buffer.from(value);
  }

  keys(table: string, range: Range): Buffer[] {
    return (this.#tables.get(table)?.keys(range) ?? []).map((key) => Buffer.from(key, 'latin1'));
  }

  range(table: string, range: Range): Entry[] {
    return this.keys(table, range).map((key) => ({ key, value: this.get(table, key) ?? Buffer.alloc(0) }));
  }

  /** Everything on the disk, for `restore`. */
  copy(): DiskCopy {
    return new Map(Array.from(this.#tables, ([name, table]) => [name, table.copy()]));
  }

  /** Replaces the content without telling anybody that anything has become durable. */
  restore(copy: DiskCopy): void {
    this.#tables.clear();
    for (const [name, table] of copy) this.#tables.set(name, table.copy());
  }

  get bytes(): number {
    return Array.from(this.#tables.values()).reduce((bytes, table) => bytes + table.bytes, 0);
  }

  apply(writes: OwnedWrites): void {
    for (const { table: name, key, value } of writes) {
      let table = this.#tables.get(name);
      if (table === undefined) {
        table = new Table();
        this.#tables.set(name, table);
      }
      table.set(key.toString('latin1'), value);
    }
    this.#onDurable(this, writes);
  }
}

/** How long a commit takes. */
export type CommitTiming = {
  readonly prng: Prng;
  /** From the call until the commit is durable, and from then until the process knows, in ns. */
  readonly next: () => { readonly durableNs: number; readonly knownNs: number };
};

/** What remains of a commit under way when its process dies. */
export type CrashedCommit = (writes: OwnedWrites) => OwnedWrites;

type UnderWay = {
  readonly given: readonly Write[];
  readonly owned: OwnedWrites;
  readonly reject: (error: Error) => void;
  readonly resolve: () => void;
  isDurable: boolean;
};

/** A fault makes the next commit fail. */
type PlannedFailure = { readonly isApplied: boolean; readonly onFailed: () => void; readonly reason: Reason };

export type SimulatedStoreOptions = {
  readonly disk: Disk;
  readonly incarnation: Incarnation;
  readonly kernel: Kernel;
  readonly timing: CommitTiming;
};

export class SimulatedStore implements Store {
  readonly path: string;
  readonly #options: SimulatedStoreOptions;
  #underWay: UnderWay | null = null;
  #isFailed = false;
  #failNext: PlannedFailure | null = null;

  constructor(options: SimulatedStoreOptions) {
    this.#options = options;
    this.path = options.disk.path;
  }

  get(table: string, key: Buffer): Buffer | undefined {
    return this.#options.disk.get(table, key);
  }

  range(table: string, range: Range): Entry[] {
    return this.#options.disk.range(table, range);
  }

  keys(table: string, range: Range): Buffer[] {
    return this.#options.disk.keys(table, range);
  }

  commit(writes: readonly Write[]): Promise<void> {
    const { incarnation, kernel, timing } = this.#options;
    return new Promise((resolve, reject) => {
      if (!incarnation.isAlive()) return;
      assert(this.#underWay === null, 'one commit at a time');
      assert(!this.#isFailed, 'nothing is committed after a commit has failed');
      const given = [...writes];
      const underWay: UnderWay = { given, owned: given.map(owned), resolve, reject, isDurable: false };
      this.#underWay = underWay;
      const { durableNs, knownNs } = timing.next();
      kernel.after(durableNs, () => this.#reachesDisk(underWay, knownNs));
    });
  }

  /** Makes the next commit fail. Nobody knows whether its writes are on disk. */
  failNext(failure: Omit<PlannedFailure, 'reason'>): void {
    this.#failNext = { ...failure, reason: this.#options.kernel.reason };
  }

  /**
   * The process has died. Returns what became of its commit: `none` when it knew of it or none was under way, `unknown`
   * when it was durable and the process did not know, or `undecided`. For an undecided commit, `crashed` says what
   * remains.
   */
  crash(crashed: CrashedCommit): 'none' | 'unknown' | 'undecided' {
    const underWay = this.#underWay;
    this.#underWay = null;
    if (underWay === null) return 'none';
    if (underWay.isDurable) return 'unknown';
    const rest = crashed(underWay.owned);
    if (rest.length > 0) this.#options.disk.apply(rest);
    return 'undecided';
  }

  diskBytes(): number {
    return this.#options.disk.bytes;
  }

  close(): Promise<void> {
    assert(this.#underWay === null, 'a store is closed between commits');
    return Promise.resolve();
  }

  #reachesDisk(underWay: UnderWay, knownNs: number): void {
    const { disk, incarnation, kernel, timing } = this.#options;
    if (this.#underWay !== underWay) return;
    // A stopped process may already have handed its writes to the kernel, or not.
    if (incarnation.isPaused && timing.prng.below(2) === 0) {
      incarnation.enter(() => this.#reachesDisk(underWay, knownNs));
      return;
    }
    const failure = this.#failNext;
    this.#failNext = null;
    if (!isUnchanged(underWay)) {
      incarnation.enter(() => assert(false, 'a value changed before its commit had resolved'));
      return;
    }
    if (failure === null || failure.isApplied) disk.apply(underWay.owned);
    underWay.isDurable = true;
    const isKnown = (): void => incarnation.enter(() => this.#isKnown(underWay, failure));
    if (knownNs === 0) isKnown();
    else kernel.after(knownNs, isKnown);
  }

  #isKnown(underWay: UnderWay, failure: PlannedFailure | null): void {
    this.#underWay = null;
    if (failure === null) return underWay.resolve();
    this.#options.kernel.reason = failure.reason;
    this.#isFailed = true;
    failure.onFailed();
    underWay.reject(new OperatingError('ERR_STORE_COMMIT', 'the commit failed: EIO (simulated)'));
  }
}

function isUnchanged({ given, owned: before }: UnderWay): boolean {
  return given.every(({ value }, index) => {
    const copy = before[index]?.value ?? null;
    return value === null ? copy === null : copy?.equals(value) === true;
  });
}

function owned({ table, key, value }: Write): OwnedWrites[number] {
  return { table, key, value: value === null ? null : Buffer.from(value) };
}
