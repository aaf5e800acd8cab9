/** More of what commands accept and refuse than `commands.test.ts` has, each as its own process. */

import { mkdirSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import test from 'ava';
import { EXIT } from '../core/errors.ts';
import { freePort } from '../transport/testing/free-port.ts';
import {
  NO_FOLDER,
  NOWHERE,
  endpointReached,
  endpointRefused,
  otherWorkloadsRefused,
  refused,
  run,
  startBroker,
} from './testing/command-line.ts';
import { TestProcess, temporaryFolder } from './testing/test-process.ts';

const COMMANDS = ['broker', 'summer', 'chunker', 'retire', 'soak', 'simulate', 'compare'] as const;

test.serial('--help of every command names its flags and exits 0', async (t) => {
  for (const command of COMMANDS) {
    const { code, stdout, stderr } = await run(t, [command, '--help']);
    t.is(code, EXIT.holds);
    t.deepEqual(stderr, []);
    t.true(
      stdout.some((line) => line.includes(`stream-sum ${command} [options]`)),
      stdout.join('\n'),
    );
    t.true(stdout.some((line) => line.includes('--help')));
  }
  const { code, stdout } = await run(t, ['--help']);
  t.is(code, EXIT.holds);
  for (const command of COMMANDS)
    t.true(
      stdout.some((line) => line.trim().startsWith(command)),
      command,
    );
});

test.serial('an unknown command, an unknown flag and a missing flag are one line each, exit 2', async (t) => {
  const at = ['--data', NO_FOLDER, '--connect', NOWHERE];
  await refused(t, ['summer', ...at, '--partitions', '0', '--nonsense'], /--nonsense/);
  await refused(t, ['chunker', ...at, '--nonsense'], /--nonsense/);
  await refused(t, ['retire', ...at.slice(2), '--producer', 'aa00000000000001', '--nonsense'], /--nonsense/);
  await refused(t, ['soak', '--nonsense'], /--nonsense/);
  await refused(t, ['broker', '--data', NO_FOLDER, '--listen', NOWHERE, 'more'], /too many arguments/);
  await refused(t, ['broker', '--listen', NOWHERE], /--data/);
  await refused(t, ['broker', '--data', NO_FOLDER], /--listen/);
  await refused(t, ['summer', '--data', NO_FOLDER, '--connect', NOWHERE], /--partitions/);
  await refused(t, ['retire', '--connect', NOWHERE], /--producer/);
});

test.serial('endpoints other than ipc and loopback are refused by name', async (t) => {
  const long = `ipc://${join(temporaryFolder(t), 'x'.repeat(120))}`;
  for (const [endpoint, named] of [
    ['tcp://192.168.0.1:5555', /loopback/],
    ['tcp://example.com:5555', /loopback/],
    ['tcp://127.0.0.1:0', /port/],
    ['tcp://127.0.0.1:70000', /port/],
    ['tcp://127.0.0.1', /endpoint/],
    ['udp://127.0.0.1:5555', /endpoint/],
    ['ipc://', /path/],
    [long, /the path has \d+ bytes, the system allows 107/],
  ] as const)
    await endpointRefused(t, endpoint, named);
});

test.serial(
  'what is at an ipc path stays as it is, the own store too, and a refused broker leaves no folder behind',
  async (t) => {
    const folder = temporaryFolder(t);
    const notes = join(folder, 'notes.txt');
    writeFileSync(notes, 'precious');
    const data = join(folder, 'data');
    await refused(t, ['broker', '--data', data, '--listen', `ipc://${notes}`], /cannot use --listen .*there is a file/);
    await refused(t, ['broker', '--data', data, '--listen', 'ipc://*'], /--listen ipc:\/\/\*: .*wildcard/);
    await refused(t, ['broker', '--data', data, '--listen', 'ipc:///proc/x'], /--listen ipc:\/\/\/proc\/x/);
    for (const command of [['summer', '--partitions', '0'], ['chunker']])
      await refused(t, [...command, '--data', data, '--connect', `ipc://${notes}`], /cannot use --connect .*a file/);
    t.deepEqual(readdirSync(folder), ['notes.txt']);
    t.is(readFileSync(notes, 'utf8'), 'precious');
    const { process } = await startBroker(t, folder);
    await process.signal('SIGTERM');
    await process.exit();
    const store = join(folder, 'broker', 'store.lmdb');
    const before = readFileSync(store);
    await refused(t, ['broker', '--data', join(folder, 'broker'), '--listen', `ipc://${store}`], /there is a file/);
    t.true(readFileSync(store).equals(before));
  },
);

test.serial('an endpoint that is accepted can be reached, by the name that was typed', async (t) => {
  const folder = temporaryFolder(t);
  const names = ['söcket', 'a b', '*.sock', 'x'.repeat(60)];
  const endpoints = names.map((name) => `ipc://${join(folder, name)}`);
  endpoints.push(`tcp://localhost:${await freePort()}`);
  for (const [index, endpoint] of endpoints.entries()) await endpointReached(t, join(folder, String(index)), endpoint);
});

test.serial('a data folder that is in use, of another kind, or no folder is refused by name', async (t) => {
  const folder = temporaryFolder(t);
  const { data, endpoint } = await startBroker(t, folder);
  const other = `ipc://${join(folder, 'other')}`;
  await refused(t, ['broker', '--data', data, '--listen', other, '--partitions', '2'], `${data} is in use`);
  const summers = join(folder, 'summers');
  const summer = new TestProcess(t, ['summer', '--data', summers, '--connect', endpoint, '--partitions', '0-1']);
  await summer.ready();
  await summer.signal('SIGTERM');
  t.is((await summer.exit()).code, EXIT.holds);
  await refused(t, ['broker', '--data', summers, '--listen', other], `${summers} belongs to a summer`);
  await refused(t, ['chunker', '--data', summers, '--connect', endpoint], `${summers} belongs to a summer`);
  const file = join(folder, 'file');
  writeFileSync(file, '');
  await refused(t, ['broker', '--data', join(file, 'data'), '--listen', other], file);
});

test.serial('an ipc path or a port in use is refused by name, and its owner keeps it', async (t) => {
  const folder = temporaryFolder(t);
  const { process, endpoint } = await startBroker(t, folder);
  await refused(
    t,
    ['broker', '--data', join(folder, 'second'), '--listen', endpoint],
    `${endpoint}: the path is in use`,
  );
  const server = createServer().listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  t.teardown(() => void server.close());
  const { port } = server.address() as { port: number };
  const address = `tcp://127.0.0.1:${port}`;
  await refused(t, ['broker', '--data', join(folder, 'third'), '--listen', address], address);
  mkdirSync(join(folder, 'taken'));
  await refused(
    t,
    ['broker', '--data', join(folder, 'x'), '--listen', `ipc://${join(folder, 'no', 'path')}`],
    'no/path',
  );
  t.false(process.isOver);
  await refused(t, ['retire', '--connect', endpoint, '--producer', 'aa00000000000001'], /no journal knows it/);
});

test.serial('another workload on the folder of a chunker is refused with both', async (t) => {
  await otherWorkloadsRefused(t, [
    ['--number', '1'],
    ['--files', '99'],
    ['--chunks', '999'],
    ['--chunk-bytes', '31'],
    ['--count', '5'],
  ]);
});

test.serial('a chunker that is stopped before its work is done exits 3, and the same command goes on', async (t) => {
  const folder = temporaryFolder(t);
  const { endpoint } = await startBroker(t, folder);
  const at = (name: string): string[] => ['--data', join(folder, name), '--connect', endpoint];
  const argv = ['chunker', ...at('counted'), '--files', '2', '--chunks', '10', '--rate', '100', '--count', '30'];
  for (const signal of ['SIGTERM', 'SIGINT'] as const) {
    const counted = new TestProcess(t, argv);
    await counted.ready();
    await counted.signal(signal);
    t.deepEqual(await counted.exit(), { code: EXIT.inconclusive, signal: null });
    t.deepEqual(counted.events.at(-1), { event: 'stopped', reason: signal });
    t.regex(counted.lastMessage, /^stopped before its work was done: \d+ of 30 files are verified/);
  }
  const summer = new TestProcess(t, ['summer', ...at('summer'), '--partitions', '0,1']);
  await summer.ready();
  const again = new TestProcess(t, argv);
  t.like(await again.ready(), { resumed: true });
  t.is((await again.exit()).code, EXIT.holds);
  t.like(again.events.at(-1), { event: 'drained', verifiedTotal: 30, filesCompletedTotal: 30 });
  // Without a number the chunker publishes until it is told to stop, and so has no unfinished work.
  const endless = new TestProcess(t, ['chunker', ...at('endless'), '--rate', '100']);
  await endless.ready();
  await endless.signal('SIGTERM');
  t.deepEqual(await endless.exit(), { code: EXIT.holds, signal: null });
});

test.serial('simulate runs a seed, prints the digest of its history and what it reached, and exits 0', async (t) => {
  const digests: (string | undefined)[] = [];
  for (const _time of [1, 2]) {
    const { code, stdout } = await run(t, ['simulate', '--seed', '11', '--workload', 'edges']);
    t.is(code, EXIT.holds);
    t.true(stdout.some((line) => line.endsWith('  killed before it was ready')));
    t.is(stdout.at(-1), 'HOLDS');
    digests.push(/^seed 11 \(edges\): .* history ([0-9a-f]{64})$/.exec(stdout[0] ?? '')?.[1]);
  }
  t.truthy(digests[0]);
  t.is(digests[0], digests[1]);
});

test.serial('detect names every bug, and makes the schedule that shows one smaller', async (t) => {
  const { code, stdout } = await run(t, ['detect', '--list']);
  t.is(code, EXIT.holds);
  t.true(stdout.some((line) => line.startsWith('mutant phantom-sum (sums): ')));
  t.true(stdout.some((line) => line.startsWith('sabotage ')));
  const shrunk = await run(t, ['detect', '--mutant', 'phantom-sum', '--seed', '3', '--shrink']);
  const line = shrunk.stdout.find((text) => text.startsWith('seed 3 fails with '));
  const [, fewer, all] = /^seed 3 fails with (\d+) of (\d+) faults as well/.exec(line ?? '') ?? [];
  t.true(Number(fewer) < Number(all), line);
});
