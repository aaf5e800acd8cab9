/** The `state` suite: the cost of saving hash states and of resuming them, one by one and as a commit does it. */

import { createHash, randomBytes } from 'node:crypto';
import { ViolationError } from '../../src/core/errors.ts';
import { HashPool, PAGE_BYTES, RECORD_HEADER_BYTES } from '../../src/hash/pool.ts';
import { DIGEST_BYTES, Sha256, STATE_BYTES } from '../../src/hash/sha256.ts';
import { SlotPool } from '../../src/hash/slot-pool.ts';
import { SCALES } from '../harness/scales.ts';
import type { Scale, Suite, Task } from '../harness/task.ts';
import { operationTask, timedTask } from '../harness/timed-task.ts';

const STREAMS = 1000;

export function createStateSuite({ scale }: { readonly scale: Scale }): Suite {
  const pools = SCALES[scale].state.files.flatMap((count) => [takePages(count), loadPages(count)]);
  return {
    name: 'state',
    tasks: [serialize(), deserialize(), saveSlots(), openStates(), ...pools],
    close: () => Promise.resolve(),
  };
}

const MESSAGE = Buffer.from('a message that leaves a block begun');
const DIGEST = createHash('sha256').update(MESSAGE).digest();

function expectDigest(what: string, digest: Uint8Array, expected: Buffer = DIGEST): void {
  if (!expected.equals(digest))
    throw new ViolationError('mismatched', `${what}: the resumed state gives a wrong digest`);
}

function serialize(): Task {
  const hash = new Sha256().update(MESSAGE);
  let state = hash.serialize();
  return operationTask({
    parameters: { operation: 'serialize' },
    calls: 100,
    run: () => {
      state = hash.serialize();
    },
    check: () => expectDigest('serialize', Sha256.deserialize(state).digest()),
  });
}

function deserialize(): Task {
  const state = new Sha256().update(MESSAGE).serialize();
  let resumed = Sha256.deserialize(state);
  return operationTask({
    parameters: { operation: 'deserialize' },
    calls: 100,
    run: () => {
      resumed = Sha256.deserialize(state);
    },
    check: () => expectDigest('deserialize', resumed.digest()),
  });
}

/** A slot pool with `STREAMS` streams of the message. */
function filledSlots(): { pool: SlotPool; slots: Uint32Array } {
  const pool = new SlotPool();
  const slots = Uint32Array.from({ length: STREAMS }, () => pool.open());
  const ends = slots.map((_, index) => (index + 1) * MESSAGE.length);
  pool.fold(slots, ends, Buffer.concat(Array.from(slots, () => MESSAGE)));
  return { pool, slots };
}

function saveSlots(): Task {
  const { pool, slots } = filledSlots();
  const states = new Uint8Array(STREAMS * STATE_BYTES);
  return timedTask({
    benchmark: 'states',
    parameters: { operation: 'save', states: STREAMS },
    metric: 'state_time_s',
    operations: STREAMS,
    run: () => pool.save(slots, states),
    check: () => {
      for (let at = 0; at < states.length; at += STATE_BYTES) {
        expectDigest('save', Sha256.deserialize(states.subarray(at, at + STATE_BYTES)).digest());
      }
    },
  });
}

function openStates(): Task {
  const state = new Sha256().update(MESSAGE).serialize();
  let pool = new SlotPool();
  return timedTask({
    benchmark: 'states',
    parameters: { operation: 'open', states: STREAMS },
    metric: 'state_time_s',
    operations: STREAMS,
    prepare: () => {
      pool = new SlotPool();
    },
    run: () => {
      for (let stream = 0; stream < STREAMS; stream += 1) pool.openState(state);
    },
    check: () => {
      const digests = Buffer.alloc(STREAMS * DIGEST_BYTES);
      pool.finish(
        Uint32Array.from({ length: STREAMS }, (_, slot) => slot),
        digests,
      );
      for (let at = 0; at < digests.length; at += DIGEST_BYTES) {
        expectDigest('open', digests.subarray(at, at + DIGEST_BYTES));
      }
    },
  });
}

/** A pool of many files. Each call of `change` gives every file one more byte. */
class ChangingPool {
  readonly pool: HashPool = new HashPool();
  readonly #files: number;
  readonly #records: Buffer;
  readonly #byte: number = randomBytes(1)[0] ?? 0;
  #sequence = 0;

  constructor(files: number) {
    this.#files = files;
    const stride = RECORD_HEADER_BYTES + 1;
    this.#records = Buffer.alloc(files * stride, this.#byte);
    for (let file = 0; file < files; file += 1) {
      this.#records.writeUInt32LE(1, file * stride);
      this.fileId(file).copy(this.#records, file * stride + 8);
    }
  }

  fileId(file: number): Buffer {
    const id = Buffer.alloc(16);
    id.writeUInt32BE(file, 12);
    return id;
  }

  change(): void {
    this.#sequence += 1;
    const stride = RECORD_HEADER_BYTES + 1;
    for (let at = 4; at < this.#records.length; at += stride) this.#records.writeUInt32LE(this.#sequence, at);
    if (this.pool.fold(this.#records, this.#files, 0, new Uint8Array(0)) !== 0) {
      throw new Error(`refused: ${JSON.stringify(this.pool.failure())}`);
    }
  }

  /** Throws unless `pool` has the last file in the same state as this pool. */
  check(what: string, pool: HashPool): void {
    const state = pool.lookup(this.fileId(this.#files - 1))?.state ?? Buffer.alloc(STATE_BYTES);
    const expected = createHash('sha256').update(Buffer.alloc(this.#sequence, this.#byte)).digest();
    expectDigest(what, Sha256.deserialize(state).digest(), expected);
  }

  /** All dirty pages, as a commit takes them. */
  take(): { numbers: Uint32Array; pages: Uint8Array } {
    const numbers = new Uint32Array(this.pool.pageCount());
    const pages = new Uint8Array(this.pool.pageCount() * PAGE_BYTES);
    const count = this.pool.takeDirtyPages(numbers, pages);
    return { numbers: numbers.subarray(0, count), pages: pages.subarray(0, count * PAGE_BYTES) };
  }
}

/** A fresh pool with these pages. */
function loaded({ numbers, pages }: { numbers: Uint32Array; pages: Uint8Array }): HashPool {
  const pool = new HashPool();
  numbers.forEach((number, index) =>
    pool.loadPage(number, pages.subarray(index * PAGE_BYTES, (index + 1) * PAGE_BYTES)),
  );
  return pool;
}

function takePages(files: number): Task {
  const changing = new ChangingPool(files);
  changing.change();
  const numbers = new Uint32Array(changing.pool.pageCount());
  const pages = new Uint8Array(changing.pool.pageCount() * PAGE_BYTES);
  return timedTask({
    benchmark: 'pages',
    parameters: { operation: 'take', states: files },
    metric: 'state_time_s',
    operations: files,
    prepare: () => changing.change(),
    run: () => changing.pool.takeDirtyPages(numbers, pages),
    check: () => changing.check('take', loaded({ numbers, pages })),
  });
}

function loadPages(files: number): Task {
  const changing = new ChangingPool(files);
  changing.change();
  const taken = changing.take();
  let pool = loaded(taken);
  return timedTask({
    benchmark: 'pages',
    parameters: { operation: 'load', states: files },
    metric: 'state_time_s',
    operations: files,
    run: () => {
      pool = loaded(taken);
    },
    check: () => changing.check('load', pool),
  });
}
