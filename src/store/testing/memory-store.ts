/**
 * A store in memory, for tests. A commit becomes readable when it resolves, which is later than it was asked for.
 *
 * A test can hold a commit back, make it fail, or kill its process in it. The store also enforces the rules of the real
 * store on its callers: one commit at a time, and no value changes before its commit has resolved.
 */

import { assert } from '../../core/assert.ts';
import type { Entry, Range, Store, Write } from '../store.ts';

export type MemoryCommit = {
  /** Counted from 1. */
  readonly number: number;
  readonly writes: readonly Write[];
};

/** Runs before a commit takes effect; the commit waits for it. When it throws, the commit fails and has no effect. */
export type Gate = (commit: MemoryCommit) => Promise<void> | void;

type Tables = Map<string, Map<string, Buffer>>;

export class MemoryStore implements Store {
  readonly path: string;
  /** May be replaced at any time. */
  gate: Gate = () => {};
  #tables: Tables;
  #commits = 0;
  #underWay: { readonly commit: MemoryCommit; readonly values: readonly (Buffer | null)[] } | null = null;
  #isFailed = false;
  #isDead = false;

  constructor(path: string = '/memory', tables: Tables = new Map()) {
    this.path = path;
    this.#tables = tables;
  }

  /** The number of commits that were asked for. */
  get commits(): number {
    return this.#commits;
  }

  get isCommitting(): boolean {
    return this.#underWay !== null;
  }

  get(table: string, key: Buffer): Buffer | undefined {
    const value = this.#tables.get(table)?.get(key.toString('hex'));
    return value === undefined ? undefined : Buffer.from(value);
  }

  range(table: string, range: Range): Entry[] {
    return this.keys(table, range).map((key) => ({ key, value: this.get(table, key) ?? Buffer.alloc(0) }));
  }

  keys(table: string, { from, to, limit, reverse }: Range): Buffer[] {
    const keys = Array.from(this.#tables.get(table)?.keys() ?? [], (key) => Buffer.from(key, 'hex'))
      .filter((key) => Buffer.compare(key, from) >= 0 && Buffer.compare(key, to) < 0)
      .toSorted((a, b) => (reverse === true ? Buffer.compare(b, a) : Buffer.compare(a, b)));
    return limit === undefined ? keys : keys.slice(0, limit);
  }

  async commit(writes: readonly Write[]): Promise<void> {
    if (this.#isDead) return never();
    assert(this.#underWay === null, 'one commit at a time');
    assert(!this.#isFailed, 'nothing is committed after a commit has failed');
    this.#commits += 1;
    const commit = { number: this.#commits, writes: [...writes] };
    const values = writes.map(({ value }) => (value === null ? null : Buffer.from(value)));
    const underWay = { commit, values };
    this.#underWay = underWay;
    try {
      await Promise.resolve();
      await this.gate(commit);
    } catch (error) {
      if (this.#isDead) return never();
      this.#isFailed = true;
      throw error;
    }
    if (this.#isDead) return never();
    for (const [index, { value }] of commit.writes.entries()) {
      const before = values[index];
      const isSame = value === null ? before === null : before?.equals(value) === true;
      assert(isSame, 'no value changes before its commit has resolved');
    }
    apply(this.#tables, underWay);
    this.#underWay = null;
  }

  /** The durable rows, in a separate store. */
  copy(): MemoryStore {
    return new MemoryStore(this.path, copy(this.#tables));
  }

  /**
   * Kills the process that uses the store: whoever waits for a commit waits forever. Returns the store as the next
   * process finds it.
   */
  crash(commitUnderWay: 'lost' | 'durable'): MemoryStore {
    this.#isDead = true;
    const tables = copy(this.#tables);
    if (commitUnderWay === 'durable' && this.#underWay !== null) apply(tables, this.#underWay);
    return new MemoryStore(this.path, tables);
  }

  /** Replaces a row on disk behind the owner's back: damage. */
  overwrite(table: string, key: Buffer, value: Buffer | null): void {
    apply(this.#tables, { commit: { number: 0, writes: [{ table, key, value }] }, values: [value] });
  }

  /** Every row, as text. Equal stores have equal dumps. */
  dump(): Record<string, Record<string, string>> {
    return Object.fromEntries(Array.from(this.#tables, ([name, table]) => [name, rowsOf(table)]));
  }

  diskBytes(): number {
    let bytes = 0;
    for (const table of this.#tables.values()) for (const value of table.values()) bytes += value.length;
    return bytes;
  }

  close(): Promise<void> {
    assert(this.#underWay === null, 'a store is closed between commits');
    return Promise.resolve();
  }
}

/** A gate that holds commits back until it is opened. */
export class HeldCommits {
  /** The commits that wait here. */
  readonly waiting: MemoryCommit[] = [];
  #release: (() => void)[] = [];
  #isOpen = false;

  readonly gate: Gate = (commit) => {
    if (this.#isOpen) return undefined;
    this.waiting.push(commit);
    return new Promise<void>((resolve) => this.#release.push(resolve));
  };

  /** Lets the waiting commit take effect, and holds the next one. */
  releaseOne(): void {
    this.waiting.shift();
    this.#release.shift()?.();
  }

  /** Lets all commits through from now on. */
  open(): void {
    this.#isOpen = true;
    this.waiting.length = 0;
    for (const release of this.#release.splice(0)) release();
  }
}

function never<T>(): Promise<T> {
  return new Promise(() => {});
}

function apply(tables: Tables, { commit, values }: { commit: MemoryCommit; values: readonly (Buffer | null)[] }): void {
  for (const [index, { table, key }] of commit.writes.entries()) {
    const value = values[index] ?? null;
    const rows = tables.get(table) ?? new Map<string, Buffer>();
    tables.set(table, rows);
    if (value === null) rows.delete(key.toString('hex'));
    else rows.set(key.toString('hex'), value);
  }
}

function rowsOf(table: ReadonlyMap<string, Buffer>): Record<string, string> {
  const rows = Array.from(table, ([key, value]): [string, string] => [key, value.toString('hex')]);
  return Object.fromEntries(rows.toSorted(([a], [b]) => (a < b ? -1 : 1)));
}

function copy(tables: Tables): Tables {
  return new Map(Array.from(tables, ([name, rows]) => [name, new Map(rows)]));
}
