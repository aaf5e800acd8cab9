/**
 * A store in memory, for tests: what is committed becomes readable when the commit resolves, later than it was asked
 * for.
 *
 * A commit can be held back, made to fail, and its process can die in it. The store also holds its callers to the
 * rules of the real one: one commit at a time, and no value changes before its commit has resolved.
 */

import { assert } from '../../core/assert.ts';
import type { Entry, Range, Store, Write } from '../store.ts';

export type MemoryCommit = {
  /** Counted from 1. */
  readonly number: number;
  readonly writes: readonly Write[];
};

/** Runs before a commit takes effect, which waits for it; when it throws, the commit fails and nothing took effect. */
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

  /** Commits asked for. */
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

  /** What is durable, in a store of its own. */
  copy(): MemoryStore {
    return new MemoryStore(this.path, copy(this.#tables));
  }

  /** Its process was killed: whoever still waits for it waits forever. What a process finds that is started next. */
  crash(commitUnderWay: 'lost' | 'durable'): MemoryStore {
    this.#isDead = true;
    const tables = copy(this.#tables);
    if (commitUnderWay === 'durable' && this.#underWay !== null) apply(tables, this.#underWay);
    return new MemoryStore(this.path, tables);
  }

  /** Replaces what is on disk behind the owner's back: damage. */
  overwrite(table: string, key: Buffer, value: Buffer | null): void {
    apply(this.#tables, { commit: { number: 0, writes: [{ table, key, value }] }, values: [value] });
  }

  /** Every row, as text: equal stores are equal here. */
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
  /** What waits here. */
  readonly waiting: MemoryCommit[] = [];
  #release: (() => void)[] = [];
  #isOpen = false;

  readonly gate: Gate = (commit) => {
    if (this.#isOpen) return undefined;
    this.waiting.push(commit);
    return new Promise<void>((resolve) => this.#release.push(resolve));
  };

  /** Lets the commit that waits take effect, and holds the next one. */
  releaseOne(): void {
    this.waiting.shift();
    this.#release.shift()?.();
  }

  /** Lets all of them through from now on. */
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
