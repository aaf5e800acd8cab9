/**
 * The `store` suite: durable commits by shape, as the components make them, each in a separate LMDB environment. Keys
 * are taken in turn from a ring that is full from the start, so that pages are reused and the file does not grow.
 */

import { join } from 'node:path';
import { ViolationError } from '../../src/core/errors.ts';
import { openLmdbStore } from '../../src/store/lmdb-store.ts';
import { type Store, WriteBatch } from '../../src/store/store.ts';
import { type CommitShape, SCALES } from '../harness/scales.ts';
import type { Scale, Suite, Task } from '../harness/task.ts';
import { timedTask } from '../harness/timed-task.ts';

/** Commits until a key is used again. */
const RING_COMMITS = 8;
const TABLE = 'values';

export async function createStoreSuite(options: {
  readonly dataFolder: string;
  readonly scale: Scale;
}): Promise<Suite> {
  const { dataFolder, scale } = options;
  const { shapes } = SCALES[scale].store;
  const rings: Ring[] = [];
  for (const shape of shapes) rings.push(await Ring.open(join(dataFolder, `${shape.values}x${shape.bytes}`), shape));
  return {
    name: 'store',
    tasks: rings.map((ring) => commitTask(ring)),
    close: async () => {
      for (const ring of rings) await ring.close();
    },
  };
}

export function commitTask(ring: Ring): Task {
  const { values, bytes } = ring.shape;
  return timedTask({
    benchmark: 'durable-commit',
    parameters: { values, bytes },
    metric: 'commit_time_s',
    operations: 1,
    isAsync: true,
    prepare: () => ring.fill(),
    run: () => ring.commit(),
    check: () => ring.check(),
  });
}

/** A store, the values of the next commit, and the last value of each key. */
export class Ring {
  readonly shape: CommitShape;
  readonly #store: Store;
  /** Reused: a commit has resolved before the next one is filled. */
  readonly #values: readonly Buffer[];
  #commits = 0;

  private constructor(store: Store, shape: CommitShape) {
    this.#store = store;
    this.shape = shape;
    this.#values = Array.from({ length: shape.values }, () => Buffer.allocUnsafeSlow(shape.bytes));
  }

  static async open(folder: string, shape: CommitShape): Promise<Ring> {
    const ring = new Ring(await openLmdbStore({ folder, kind: 'broker', tables: [TABLE] }), shape);
    for (let commit = 0; commit < RING_COMMITS; commit += 1) {
      ring.fill();
      await ring.commit();
    }
    return ring;
  }

  /** Makes the values of the next commit differ from all earlier ones. */
  fill(): void {
    this.#values.forEach((value, index) => writeValue(value, this.#commits, index));
  }

  async commit(): Promise<void> {
    const batch = new WriteBatch();
    const first = (this.#commits % RING_COMMITS) * this.shape.values;
    this.#values.forEach((value, index) => batch.put(TABLE, keyOf(first + index), value));
    await this.#store.commit(batch.writes);
    this.#commits += 1;
  }

  /** Throws a ViolationError unless the store holds exactly the last value of every key. */
  check(): void {
    const { values, bytes } = this.shape;
    const expected = Buffer.allocUnsafeSlow(bytes);
    for (let back = 1; back <= RING_COMMITS; back += 1) {
      const commit = this.#commits - back;
      for (let index = 0; index < values; index += 1) {
        writeValue(expected, commit, index);
        const found = this.#store.get(TABLE, keyOf((commit % RING_COMMITS) * values + index));
        if (found === undefined || !found.equals(expected)) {
          throw new ViolationError('acknowledged-loss', `a committed value of ${bytes} bytes is not in the store`);
        }
      }
    }
    const keys = this.#store.keys(TABLE, { from: keyOf(0), to: keyOf(0xffff_ffff) }).length;
    if (keys !== RING_COMMITS * values) throw new ViolationError('phantom', `${keys} keys are in the store`);
  }

  close(): Promise<void> {
    return this.#store.close();
  }
}

function writeValue(value: Buffer, commit: number, index: number): void {
  value.fill(commit & 0xff);
  value.writeUInt32LE(commit, 0);
  value.writeUInt32LE(index, 4);
}

function keyOf(number: number): Buffer {
  const key = Buffer.alloc(4);
  key.writeUInt32BE(number);
  return key;
}
