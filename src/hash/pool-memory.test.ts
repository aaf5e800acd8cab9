// Memory that pools hold: V8 is told of it, it is given back, and memory that the system refuses is an error. Loops
// that make many objects run in separate processes, which print how much memory they held.

import { execFileSync, spawnSync } from 'node:child_process';

import test from 'ava';

import { HashPool, PAGE_BYTES } from './pool.ts';
import { encodeRecords, fixtureFileId, mistyped } from './record-fixture.ts';
import { SlotPool } from './slot-pool.ts';

const MIB = 2 ** 20;
const NO_SUMS = new Uint8Array(0);

/** A batch that opens `files` files with a byte each. */
function opening(files: number): Buffer {
  const data = Buffer.from('x');
  return encodeRecords(
    Array.from({ length: files }, (_, file) => ({ fileId: fixtureFileId(1, file), sequence: 1, data })),
  );
}

test('what a pool holds follows its files, and what a refused batch or clear leaves is given back', (t) => {
  const files = 100_000;
  const records = opening(files);
  const pool = new HashPool();
  const empty = pool.memoryBytes();
  pool.fold(records, files, 0, NO_SUMS);
  t.true(pool.memoryBytes() > 12 * MIB && pool.memoryBytes() < 32 * MIB, `${pool.memoryBytes()} bytes`);
  pool.clear();
  t.is(pool.memoryBytes(), empty);
  const refused = Buffer.concat([records, records.subarray(0, 10)]);
  t.is(pool.fold(refused, files + 1, 0, NO_SUMS), -1);
  // The notes about 65,536 records stay allocated for the next batch.
  t.true(pool.memoryBytes() < empty + 4 * MIB, `${pool.memoryBytes()} bytes`);
  const streams = new SlotPool();
  const slots = Uint32Array.from({ length: files }, () => streams.open());
  t.true(streams.memoryBytes() > 12 * MIB);
  streams.finish(slots, Buffer.alloc(slots.length * 32));
  t.true(streams.memoryBytes() < MIB, `${streams.memoryBytes()} bytes`);
});

test('a page that is far away takes as much as its files', (t) => {
  const pool = new HashPool();
  pool.fold(opening(1), 1, 0, NO_SUMS);
  const page = Buffer.alloc(PAGE_BYTES);
  pool.takeDirtyPages(new Uint32Array(1), page);
  const restored = new HashPool();
  const empty = restored.memoryBytes();
  restored.loadPage(2 ** 20 - 2, Buffer.alloc(PAGE_BYTES));
  t.is(restored.memoryBytes(), empty);
  restored.loadPage(2 ** 20 - 1, page);
  t.true(restored.memoryBytes() < empty + 4 * MIB, `${restored.memoryBytes()} bytes`);
  t.is(restored.pageCount(), 2 ** 20);
  t.is(restored.openFiles(), 1);
});

test('a closed pool throws, and closing again does not', (t) => {
  const closed = { code: 'ERR_POOL_CLOSED' };
  const pool = new HashPool();
  pool.fold(opening(3), 3, 0, NO_SUMS);
  pool.close();
  pool.close();
  t.throws(() => pool.fold(opening(3), 3, 0, NO_SUMS), closed);
  t.throws(() => pool.failure(), closed);
  t.throws(() => pool.openFiles(), closed);
  t.throws(() => pool.pageCount(), closed);
  t.throws(() => pool.memoryBytes(), closed);
  t.throws(() => pool.dirtyPages(), closed);
  t.throws(() => pool.takeDirtyPages(new Uint32Array(1), Buffer.alloc(4096)), closed);
  t.throws(() => pool.loadPage(0, Buffer.alloc(3968)), closed);
  t.throws(() => pool.dropProducer(Buffer.alloc(8)), closed);
  t.throws(() => pool.lookup(Buffer.alloc(16)), closed);
  t.throws(() => pool.clear(), closed);
  const streams = new SlotPool();
  const slot = Uint32Array.of(streams.open());
  streams[Symbol.dispose]();
  streams[Symbol.dispose]();
  t.throws(() => streams.open(), closed);
  t.throws(() => streams.openState(Buffer.alloc(108)), closed);
  t.throws(() => streams.openStreams(), closed);
  t.throws(() => streams.fold(slot, slot, NO_SUMS), closed);
  t.throws(() => streams.finish(slot, Buffer.alloc(32)), closed);
  t.throws(() => streams.save(slot, Buffer.alloc(108)), closed);
});

test('structuredClone and JSON refuse a pool instead of losing its files', (t) => {
  const refusal = { instanceOf: TypeError, code: 'ERR_UNCLONEABLE' };
  for (const pool of [new HashPool(), new SlotPool()]) {
    t.throws(() => structuredClone(mistyped<object>(pool)), refusal);
    t.throws(() => JSON.stringify({ pool }), refusal);
  }
});

/** Runs a script in a separate process, with this folder in `folder`; returns what it printed as JSON. */
function run(script: string, argv: readonly string[] = []): unknown {
  const folder = new URL('./', import.meta.url).href;
  const source = `const folder = process.argv[1];\n${script}`;
  const output = execFileSync(process.execPath, [...argv, '--input-type=module', '-e', source, folder], {
    encoding: 'utf8',
  });
  return JSON.parse(output);
}

test('a loop that makes hashes in one turn of the event loop holds no more than a few MiB', (t) => {
  const grown = run(`
    const { Sha256 } = await import(folder + 'sha256.js');
    const state = new Sha256().update('a').serialize();
    const ways = [
      () => new Sha256().update('a small message').digest(),
      () => Sha256.deserialize(state).copy().copy(),
      () => Sha256.deserialize(new Sha256().update('b').serialize()),
    ];
    const grown = ways.map((way) => {
      for (let count = 0; count < 20_000; count += 1) way();
      const before = process.memoryUsage.rss();
      for (let count = 0; count < 300_000; count += 1) way();
      return process.memoryUsage.rss() - before;
    });
    console.log(JSON.stringify(grown));
  `);
  for (const bytes of mistyped<number[]>(grown)) t.true(bytes < 40 * MIB, `${bytes} bytes`);
});

test('pools that are made one after the other are collected', (t) => {
  const most = run(`
    const { HashPool } = await import(folder + 'pool.js');
    const files = 20_000;
    const records = Buffer.alloc(files * 25);
    for (let file = 0, at = 0; file < files; file += 1, at += 25) {
      records.writeUInt32LE(1, at);
      records.writeUInt32LE(1, at + 4);
      records.writeUInt32LE(file, at + 8);
    }
    let most = 0;
    for (let count = 0; count < 400; count += 1) {
      new HashPool().fold(records, files, 0, new Uint8Array(0));
      await new Promise((resolve) => setImmediate(resolve));
      most = Math.max(most, process.memoryUsage.rss());
    }
    console.log(JSON.stringify(most));
  `);
  // All of them together would be 1.2 GiB.
  t.true(mistyped<number>(most) < 500 * MIB, `${String(most)} bytes`);
});

test('a batch too large for the memory that is left is an error and no abort', (t) => {
  if (spawnSync('prlimit', ['--version']).status !== 0) {
    t.log('left out: there is no prlimit');
    t.pass();
    return;
  }
  const outcomes = run(`
    import { execFileSync } from 'node:child_process';
    import { readFileSync } from 'node:fs';
    const { HashPool } = await import(folder + 'pool.js');
    const records = new Uint8Array(24 * 2 ** 24);
    // One file; each of the records ends it.
    for (let at = 0; at < records.length; at += 24) records[at + 4] = 1;
    const pool = new HashPool();
    const limit = (bytes) => {
      const used = Number(/VmSize:\\s+(\\d+)/.exec(readFileSync('/proc/self/status', 'utf8'))[1]) * 1024;
      execFileSync('prlimit', ['--pid', String(process.pid), '--as=' + (used + bytes) + ':']);
    };
    const none = new Uint8Array(0);
    const fold = () => (pool.fold(records, 2 ** 24, 0, none) < 0 ? pool.failure().kind : 'folded');
    const outcomes = [];
    for (const bytes of [2 ** 25, 2 ** 33]) {
      limit(bytes);
      outcomes.push(fold());
    }
    console.log(JSON.stringify([...outcomes, pool.openFiles()]));
  `);
  t.deepEqual(outcomes, ['full', 'space', 0]);
});
