/** Leaks planted into real processes, beside a process that leaks nothing, with shorter blocks than in a soak. */

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'ava';
import { delay, systemClock } from '../../../src/core/clock.ts';
import { diskBytesOf, readProcessUsage } from '../../../src/fleet/process-usage.ts';
import { BOUNDS } from './leaks.ts';
import { ResourceWatch } from './resource-watch.ts';

/** What each process leaks ten times a second, in addition to 4 KiB of garbage. */
const LEAKS: Readonly<Record<string, string>> = {
  nothing: '',
  memory: 'kept.push(Buffer.alloc(256 * 1024, 1));',
  descriptors: "kept.push(fs.openSync('/dev/null'));",
  disk: "fs.appendFileSync('grows', Buffer.alloc(256 * 1024, 1));",
};

const PROGRAM = (leak: string): string => `
  import fs from 'node:fs';
  const kept = [];
  let garbage;
  setInterval(() => { garbage = Buffer.alloc(4 * 1024, 1); ${leak} }, 100);
  process.stdin.on('close', () => process.exit()).resume();
  console.log('begun');
`;

const READINGS = 300;
const READING_MS = 100;
/** With these options, less than two seconds stand for a minute of a soak. */
const SERIES = { blockS: 0.5, warmUpS: 3, pointsMax: 1_024 };

test('leaks of memory, descriptors and disk in real processes are found, and no other is named', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'stream-sum-leaks-'));
  t.teardown(() => rmSync(folder, { recursive: true, force: true }));
  const processes = await Promise.all(
    Object.entries(LEAKS).map(async ([name, leak]) => {
      const cwd = join(folder, name);
      mkdirSync(cwd);
      const child = spawn(process.execPath, ['--input-type=module', '-e', PROGRAM(leak)], {
        cwd,
        stdio: ['pipe', 'pipe', 'inherit'],
      });
      t.teardown(() => child.kill('SIGKILL'));
      await once(child.stdout, 'data');
      return { name, cwd, pid: child.pid ?? 0 };
    }),
  );
  const watch = new ResourceWatch({ self: 'soak', series: SERIES, bounds: BOUNDS });
  t.teardown(() => watch.close());
  for (let reading = 0; reading < READINGS; reading += 1) {
    await delay(systemClock, READING_MS);
    const readings = processes.map(({ name, cwd, pid }) => ({
      name,
      pid,
      usage: readProcessUsage(pid),
      diskBytes: diskBytesOf(cwd),
    }));
    watch.sample('steady', systemClock.nowNs(), readings);
  }
  const rows = watch.rows();
  const told = rows.map((row) => `${row.process} ${row.resource} ${row.perHourLow} ${row.p} ${row.verdict}`).join('\n');
  t.log(told);
  const leaks = rows.filter(({ verdict }) => verdict === 'leak').map((row) => `${row.process} ${row.resource}`);
  t.deepEqual(leaks, ['memory memory', 'descriptors descriptors', 'disk disk'], told);
});
