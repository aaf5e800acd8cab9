// Single operations of the addon, by tinybench: what a call costs, and what a commit takes from the pool.

import { randomBytes } from 'node:crypto';

import { Bench } from 'tinybench';

import { crc32c } from '../../src/hash/crc32c.ts';
import { HashPool, PAGE_BYTES, RECORD_HEADER_BYTES } from '../../src/hash/pool.ts';
import { Sha256, STATE_BYTES } from '../../src/hash/sha256.ts';
import { SlotPool } from '../../src/hash/slot-pool.ts';

const STREAMS = 1000;

/** A pool with 1,000 files, and a function that makes all of them changed by one byte each. */
function changingPool(): { pool: HashPool; change: () => void } {
  const stride = RECORD_HEADER_BYTES + 1;
  const records = Buffer.alloc(STREAMS * stride);
  for (let file = 0; file < STREAMS; file++) {
    records.writeUInt32LE(1, file * stride);
    records.writeUInt32BE(file, file * stride + 20);
  }
  const pool = new HashPool();
  const noSums = new Uint8Array(0);
  let sequence = 0;
  const change = (): void => {
    sequence += 1;
    for (let file = 0; file < STREAMS; file++) records.writeUInt32LE(sequence, file * stride + 4);
    if (pool.fold(records, STREAMS, 0, noSums) !== 0) throw new Error(`refused: ${JSON.stringify(pool.failure())}`);
  };
  change();
  return { pool, change };
}

/** Latencies in nanoseconds of each operation. */
export async function measureMicro(smoke: boolean): Promise<Map<string, readonly number[]>> {
  const bench = new Bench(smoke ? { time: 1, iterations: 3, warmup: false } : { time: 300, warmupTime: 100 });
  const { pool, change } = changingPool();
  const numbers = new Uint32Array(pool.pageCount());
  const pages = new Uint8Array(pool.pageCount() * PAGE_BYTES);
  const slotPool = new SlotPool();
  const slots = Uint32Array.from({ length: STREAMS }, () => slotPool.open());
  const states = new Uint8Array(STREAMS * STATE_BYTES);
  const data = randomBytes(65_536);
  const hash = new Sha256();
  const state = hash.serialize();
  const digest = new Uint8Array(32);
  bench
    .add('take 1,000 changed states as pages', () => void pool.takeDirtyPages(numbers, pages), { beforeEach: change })
    .add('save 1,000 states by slot', () => slotPool.save(slots, states))
    .add('crc32c of 64 KiB', () => void crc32c(0, data))
    .add('fold of an empty batch', () => void pool.fold(new Uint8Array(0), 0, 0, digest))
    .add('new Sha256', () => void new Sha256())
    .add('Sha256.update of 64 KiB', () => void hash.update(data))
    .add('Sha256.digestInto', () => hash.digestInto(digest))
    .add('Sha256.serialize', () => void hash.serialize())
    .add('Sha256.deserialize', () => void Sha256.deserialize(state));
  await bench.run();
  const latencies = new Map<string, readonly number[]>();
  for (const { name, result } of bench.tasks) {
    if (result.state !== 'completed') throw new Error(`${name}: ${result.state}`);
    latencies.set(name, [result.latency.p50 * 1e6]);
  }
  return latencies;
}
