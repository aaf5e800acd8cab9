/** A real disk whose power is cut. It is skipped by its name where there can be none. */

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { temporaryFolder } from '../../src/cli/testing/test-process.ts';
import { delay, systemClock } from '../../src/core/clock.ts';
import { OperatingError } from '../../src/core/errors.ts';
import { Disks, checkDisks, missingForDisks } from './disks.ts';
import { PowerCut } from './power-cut.ts';

const DEADLINE_MS = 60_000;
const NAME = 'broker-1';
/** Writes into a file that it has removed, and syncs nothing. */
const WRITER = `const { openSync, unlinkSync, writeSync } = require('node:fs');
const path = process.argv[1];
const file = openSync(path, 'w');
unlinkSync(path);
setInterval(() => writeSync(file, Buffer.alloc(4096)), 5);
console.log('writes');`;

const missing = missingForDisks();

function diskTest(title: string, run: (t: ExecutionContext) => Promise<void>): void {
  if (missing === null) test.serial(title, run);
  else test.skip(`left out: ${title} (${missing})`, () => {});
}

async function oneDisk(t: ExecutionContext): Promise<{ disks: Disks; folder: string }> {
  t.timeout(2 * DEADLINE_MS);
  const folder = join(temporaryFolder(t), NAME);
  const disks = await Disks.open();
  t.teardown(() => disks.close());
  await disks.add(NAME, folder);
  return { disks, folder };
}

diskTest('whether a disk can be cut is tried on one, of which nothing is left', async (t) => {
  t.timeout(2 * DEADLINE_MS);
  const folder = temporaryFolder(t);
  await checkDisks(folder);
  t.deepEqual(readdirSync(folder), []);
});

diskTest('a cut keeps what was synced, and nothing else', async (t) => {
  const { disks, folder } = await oneDisk(t);
  const seen = disks.seen(folder);
  t.is(disks.unsyncedBytes(disks.files(NAME, null)), 0);
  writeFileSync(join(seen, 'kept'), 'kept', { flush: true });
  writeFileSync(join(seen, 'lost'), 'lost');
  t.true(disks.unsyncedBytes(disks.files(NAME, null)) >= 4_096);
  disks.cut(NAME);
  t.throws(() => writeFileSync(join(seen, 'late'), 'late'), { code: 'EIO' });
  await disks.unmount(NAME);
  await disks.mount(NAME);
  disks.checkCut(NAME);
  t.is(readFileSync(join(seen, 'kept'), 'utf8'), 'kept');
  t.false(existsSync(join(seen, 'lost')));
});

diskTest('a disk that was unmounted without a cut is none that was cut', async (t) => {
  const { disks, folder } = await oneDisk(t);
  writeFileSync(join(disks.seen(folder), 'unsynced-at-the-cut'), 'x');
  await disks.unmount(NAME);
  await disks.mount(NAME);
  t.throws(() => disks.checkCut(NAME), { instanceOf: OperatingError, message: /kept what was not synced/ });
});

diskTest('a member that loses its power is back with its disk, of which no device is left', async (t) => {
  const { disks, folder } = await oneDisk(t);
  const [program = '', ...words] = disks.inside;
  const start = async (): Promise<ReturnType<typeof spawn>> => {
    const args = [...words, process.execPath, '-e', WRITER, join(folder, 'spool')];
    const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'ignore'] });
    if (child.stdout !== null) await once(child.stdout, 'data');
    return child;
  };
  let child = await start();
  const asked: string[] = [];
  const again: Promise<ReturnType<typeof spawn>>[] = [];
  const member = {
    name: NAME,
    get pid() {
      return child.exitCode === null && child.signalCode === null ? (child.pid ?? null) : null;
    },
    pause: () => void child.kill('SIGSTOP'),
    resume: () => void child.kill('SIGCONT'),
    kill: async () => {
      const gone = once(child, 'exit');
      child.kill('SIGKILL');
      await gone;
    },
    start: () => void again.push(start()),
  };
  const darken = (name: string): void => void asked.push(`dark ${name}`);
  const lighten = (name: string): void => void asked.push(`light ${name}`);
  const cut = new PowerCut({ members: [member], stores: [], disks, darken, lighten, clock: systemClock });
  cut.begin();
  await until(() => cut.unsynced !== null, cut);
  t.true((cut.unsynced?.get(NAME) ?? 0) >= 4_096);
  t.deepEqual([member.pid, asked], [null, [`dark ${NAME}`]]);
  cut.heal();
  await until(() => cut.isOver, cut);
  t.deepEqual(asked, [`dark ${NAME}`, `light ${NAME}`]);
  for (const started of again) child = await started;
  t.is(again.length, 1);
  await member.kill();
  const image = `${folder}.disk`;
  t.true(loopFiles().includes(image));
  disks.close();
  await until(() => !loopFiles().includes(image), cut);
  t.true(existsSync(image));
});

async function until(isSo: () => boolean, cut: PowerCut): Promise<void> {
  const deadlineNs = systemClock.nowNs() + DEADLINE_MS * 1e6;
  while (!isSo()) {
    cut.check();
    if (systemClock.nowNs() > deadlineNs) throw new Error(`it did not happen in time: ${isSo.toString()}`);
    await delay(systemClock, 20);
  }
}

/** The files behind the loop devices of this machine. */
function loopFiles(): string[] {
  return readdirSync('/sys/block')
    .map((device) => `/sys/block/${device}/loop/backing_file`)
    .filter((path) => existsSync(path))
    .map((path) =>
      readFileSync(path, 'utf8')
        .trim()
        .replace(/ \(deleted\)$/, ''),
    );
}
