/**
 * Memory of many pools: V8 is told of it, it is given back, and memory that the system refuses is an error. Loops that
 * make many objects run in separate processes, which print how much memory they held.
 */

import { execFileSync, spawnSync } from 'node:child_process';
import test from 'ava';
import { mistyped } from './record-fixture.ts';

const MIB = 2 ** 20;

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
