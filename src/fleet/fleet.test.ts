import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { temporaryFolder, within } from '../cli/testing/test-process.ts';
import { systemClock } from '../core/clock.ts';
import { Fleet } from './fleet.ts';

/** A summer that answers only the second of two requests; the folded count is the number of requests. */
const BUSY = `
const say = (event) => require('node:fs').writeSync(3, JSON.stringify(event) + '\\n');
say({ event: 'ready', component: 'summer', pid: process.pid, shards: [], epochs: [] });
let asked = 0;
require('node:readline').createInterface({ input: process.stdin }).on('line', () => {
  asked += 1;
  const counts = { chunksFolded: asked, bytesFolded: 0, commits: 0, filesOpen: 0, sumsPublished: 0 };
  if (asked % 2 === 0) say({ event: 'progress', component: 'summer', ...counts });
});`;

/** A program that does what its argument says, and ends. */
const COMMAND = `
const [what] = process.argv.slice(1);
if (what === 'wait') setInterval(() => {}, 1e6);
else { console.log('said'); console.error('logged'); process.exitCode = Number(what); }
console.log('begun');`;

function fleetOfCommands(folder: string, failures: string[]): Fleet {
  return new Fleet({
    specs: [],
    launch: { command: process.execPath, argv: ['-e', COMMAND, '--'] },
    logsFolder: folder,
    clock: systemClock,
    listener: {
      onEvent: () => undefined,
      onPlannedEnd: () => undefined,
      onFailure: ({ process: name, what, exitCode, lastLogLines }) =>
        failures.push([name, what.replace(/\d+/, 'N'), exitCode, ...lastLogLines].join(' ')),
    },
  });
}

test('a command is run to its end, and any end but exit 0 is a failure with its last words', async (t) => {
  const folder = temporaryFolder(t);
  const failures: string[] = [];
  const fleet = fleetOfCommands(folder, failures);
  t.teardown(() => fleet.abandon(true));
  const lines = await within(fleet.run('retire', ['0']), () => 'the end of the command');
  t.deepEqual(lines?.toSorted(), ['begun', 'logged', 'said']);
  t.is(await within(fleet.run('retire', ['2']), () => 'the end of the other command'), null);
  t.is(failures.length, 1);
  t.regex(failures[0] ?? '', /^retire pid N exited with 2 2 .*logged/);
  t.is(readFileSync(join(folder, 'retire.log'), 'utf8').split('\n').filter(Boolean).length, 6);
});

test('a command that runs when the run is abandoned is killed, which is no failure', async (t) => {
  const failures: string[] = [];
  const fleet = fleetOfCommands(temporaryFolder(t), failures);
  const running = fleet.run('retire', ['wait']);
  await within(fleet.abandon(false), () => 'the end of all');
  t.is(await within(running, () => 'the end of the command'), null);
  t.deepEqual(failures, []);
});

test('asking for progress says whether it was answered, and waits for an answer no longer than it may', async (t) => {
  const seen: string[] = [];
  const fleet = new Fleet({
    specs: [{ name: 'summer-0', component: 'summer', argv: [], partitions: [] }],
    launch: { command: process.execPath, argv: ['-e', BUSY, '--'] },
    logsFolder: temporaryFolder(t),
    clock: systemClock,
    listener: {
      onEvent: (_, event) => seen.push(event.event),
      onPlannedEnd: () => undefined,
      onFailure: ({ what }) => t.fail(what),
    },
  });
  t.teardown(() => fleet.abandon(true));
  t.true(await fleet.start(new AbortController().signal));
  t.false(await fleet.refresh({ timeoutMs: 50 }));
  t.deepEqual(seen, ['ready']);
  t.true(await within(fleet.refresh({ timeoutMs: 60_000 }), () => seen.join(' ')));
  t.deepEqual(seen, ['ready', 'progress']);
  const ended = new AbortController();
  const asking = fleet.refresh({ timeoutMs: 60_000, signal: ended.signal });
  ended.abort();
  t.false(await within(asking, () => 'an aborted request waits'));
});
