/** A store that reports every commit as durable at once, and makes it durable later. It reads what it has promised. */

import type { Entry, Range, Store, Write } from '../../../src/store/store.ts';
import { WrappedStore } from '../../../src/store/wrapped-store.ts';

export class PromisingStore extends WrappedStore {
  readonly #onFatal: (error: unknown) => void;
  /** Promised writes that are not durable, in order. The first `#underWay` of them are on their way. */
  #pending: Write[] = [];
  #underWay = 0;
  #isOver = false;
  #whenDurable: { pending: number; call: () => void }[] = [];

  constructor(inner: Store, onFatal: (error: unknown) => void) {
    super(inner);
    this.#onFatal = onFatal;
  }

  /** Promised writes that are not durable. */
  get pending(): readonly Write[] {
    return this.#pending;
  }

  /** Calls back when everything promised by now is durable. */
  whenDurable(call: () => void): void {
    if (this.#pending.length === 0) call();
    else this.#whenDurable.push({ pending: this.#pending.length, call });
  }

  override commit(writes: readonly Write[]): Promise<void> {
    // A caller that is told that a commit is durable may reuse its buffers.
    this.#pending.push(...writes.map((write) => ({ ...write, value: write.value && Buffer.from(write.value) })));
    this.#start();
    return Promise.resolve();
  }

  override get(table: string, key: Buffer): Buffer | undefined {
    const write = this.#pending.findLast((pending) => pending.table === table && pending.key.equals(key));
    if (write === undefined) return this.inner.get(table, key);
    return write.value === null ? undefined : Buffer.from(write.value);
  }

  override keys(table: string, { from, to, limit, reverse = false }: Range): Buffer[] {
    const keys = new Map(this.inner.keys(table, { from, to }).map((key) => [key.toString('hex'), key]));
    for (const { table: name, key, value } of this.#pending) {
      if (name !== table || Buffer.compare(key, from) < 0 || Buffer.compare(key, to) >= 0) continue;
      if (value === null) keys.delete(key.toString('hex'));
      else keys.set(key.toString('hex'), key);
    }
    const sorted = Array.from(keys.values()).toSorted((a, b) =>
      reverse ? Buffer.compare(b, a) : Buffer.compare(a, b),
    );
    return limit === undefined ? sorted : sorted.slice(0, limit);
  }

  override range(table: string, range: Range): Entry[] {
    return this.keys(table, range).map((key) => ({ key, value: this.get(table, key) ?? Buffer.alloc(0) }));
  }

  #start(): void {
    if (this.#underWay > 0 || this.#pending.length === 0 || this.#isOver) return;
    this.#underWay = this.#pending.length;
    this.inner.commit(this.#pending.slice(0, this.#underWay)).then(
      () => this.#isDurable(),
      (error: unknown) => {
        this.#isOver = true;
        this.#onFatal(error);
      },
    );
  }

  #isDurable(): void {
    const done = this.#underWay;
    this.#underWay = 0;
    this.#pending = this.#pending.slice(done);
    for (const waiting of this.#whenDurable) waiting.pending -= done;
    const ready = this.#whenDurable.filter(({ pending }) => pending <= 0);
    this.#whenDurable = this.#whenDurable.filter(({ pending }) => pending > 0);
    for (const { call } of ready) call();
    this.#start();
  }
}
