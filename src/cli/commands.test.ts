import { mkdirSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { simulateCommand } from '../../soak/simulation/simulate-command.ts';
import { soakCommand } from '../../soak/live/soak-command.ts';
import { usageErrorOf } from '../component/flags.ts';
import { EXIT } from '../core/errors.ts';
import { freePort } from '../transport/testing/free-port.ts';
import { brokerCommand } from './broker-command.ts';
import { chunkerCommand } from './chunker-command.ts';
import { retireCommand } from './retire-command.ts';
import { summerCommand } from './summer-command.ts';
import { TestProcess, temporaryFolder } from './testing/test-process.ts';

/** A path at which nothing exists. Refused commands leave it so. */
const NO_FOLDER = join(tmpdir(), 'stream-sum-test-nothing-is-here');
const NOWHERE = `ipc://${NO_FOLDER}`;

const COMMANDS = ['broker', 'summer', 'chunker', 'retire', 'soak', 'simulate', 'compare'] as const;

type Ended = { readonly code: number | null; readonly stdout: readonly string[]; readonly stderr: readonly string[] };

async function run(t: ExecutionContext, argv: readonly string[]): Promise<Ended & { message: string }> {
  const process = new TestProcess(t, argv);
  const { code, signal } = await process.exit();
  t.is(signal, null, argv.join(' '));
  return { code, stdout: process.stdout, stderr: process.stderr, message: process.lastMessage };
}

/** Expects one line on stderr that names the thing, and nothing on stdout. */
async function refused(t: ExecutionContext, argv: readonly string[], named: RegExp | string): Promise<void> {
  const { code, stdout, stderr, message } = await run(t, argv);
  const said = `${argv.join(' ')}\n${stderr.join('\n')}`;
  t.is(code, EXIT.usage, said);
  t.is(stderr.length, 1, said);
  t.deepEqual(stdout, [], said);
  if (typeof named === 'string') t.true(message.includes(named), said);
  else t.regex(message, named, said);
}

async function broker(
  t: ExecutionContext,
  folder: string,
  more: readonly string[] = [],
): Promise<{ process: TestProcess; endpoint: string; data: string }> {
  const endpoint = `ipc://${join(folder, 'socket')}`;
  const data = join(folder, 'broker');
  const process = new TestProcess(t, ['broker', '--data', data, '--listen', endpoint, '--partitions', '2', ...more]);
  await process.ready();
  return { process, endpoint, data };
}

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
  await refused(t, ['nonsense'], /nonsense/);
  const at = ['--data', NO_FOLDER, '--connect', NOWHERE];
  await refused(t, ['broker', '--data', NO_FOLDER, '--listen', NOWHERE, '--nonsense'], /--nonsense/);
  await refused(t, ['summer', ...at, '--partitions', '0', '--nonsense'], /--nonsense/);
  await refused(t, ['chunker', ...at, '--nonsense'], /--nonsense/);
  await refused(t, ['retire', ...at.slice(2), '--producer', 'aa00000000000001', '--nonsense'], /--nonsense/);
  await refused(t, ['soak', '--nonsense'], /--nonsense/);
  await refused(t, ['broker', '--data', NO_FOLDER, '--listen', NOWHERE, 'more'], /too many arguments/);
  await refused(t, ['broker', '--listen', NOWHERE], /--data/);
  await refused(t, ['broker', '--data', NO_FOLDER], /--listen/);
  await refused(t, ['summer', '--data', NO_FOLDER, '--connect', NOWHERE], /--partitions/);
  await refused(t, ['chunker', '--data', NO_FOLDER], /--connect/);
  await refused(t, ['retire', '--connect', NOWHERE], /--producer/);
});

/** Elsewhere each is its own process. Here the commands run within the test, because there are so many values. */
const MAKE = {
  broker: brokerCommand,
  summer: summerCommand,
  chunker: chunkerCommand,
  retire: retireCommand,
  soak: soakCommand,
  simulate: simulateCommand,
} as const;

test.serial('a value that makes no sense is one line that names its flag, exit 2', async (t) => {
  await refused(t, ['broker', '--data', NO_FOLDER, '--listen', NOWHERE, '--partitions', '0'], /--partitions/);
  const of = {
    broker: ['--data', NO_FOLDER, '--listen', NOWHERE],
    summer: ['--data', NO_FOLDER, '--connect', NOWHERE],
    chunker: ['--data', NO_FOLDER, '--connect', NOWHERE],
    retire: ['--connect', NOWHERE],
    soak: [],
    simulate: [],
  } as const;
  const nonsense: readonly (readonly [keyof typeof of, string, string])[] = [
    ['broker', '--partitions', '257'],
    ['broker', '--partitions', '1.5'],
    ['broker', '--retention', '12KiB'],
    ['broker', '--retention', '-1'],
    ['broker', '--sums-retention', '1'],
    ['broker', '--pin-absence', '5'],
    ['broker', '--pin-patience', '5'],
    ['summer', '--partitions', '7-0'],
    ['summer', '--partitions', 'a'],
    ['chunker', '--rate', '0'],
    ['chunker', '--rate', 'fast'],
    ['chunker', '--files', '0'],
    ['chunker', '--chunks', '9..1'],
    ['chunker', '--chunk-bytes', '0'],
    ['chunker', '--chunk-bytes', '1..2..3'],
    ['chunker', '--batch-bytes', '100GiB'],
    ['chunker', '--sla', '3 s'],
    ['chunker', '--count', '0'],
    ['chunker', '--seed', 'x'],
    ['chunker', '--number', '65536'],
    ['retire', '--producer', 'zz'],
    ['retire', '--producer', '0000000000000001'],
    ['soak', '--duration', '3'],
    ['soak', '--chunkers', '0'],
    ['soak', '--faults', 'some'],
    ['simulate', '--seeds', '0'],
    ['simulate', '--seed', 'x'],
    ['simulate', '--workload', 'odd'],
    ['simulate', '--jobs', '0'],
  ];
  for (const [name, flag, value] of nonsense) {
    const asked = MAKE[name]().parseAsync([...of[name], flag, value], { from: 'user' });
    const usage = usageErrorOf(await t.throwsAsync(asked, undefined, `${name} ${flag} ${value}`));
    t.true(usage?.message.includes(flag), `${name} ${flag} ${value}: ${usage?.message}`);
    t.notRegex(usage?.message ?? '', /\n/);
  }
});

test.serial('a chunk that does not fit a batch is refused with the bytes that it needs', async (t) => {
  const flags = ['--data', NO_FOLDER, '--connect', NOWHERE, '--chunk-bytes', '64KiB', '--batch-bytes', '64KiB'];
  await refused(t, ['chunker', ...flags], /--batch-bytes 65536: must be at least 65608, for a chunk of 65536 bytes/);
});

test.serial('endpoints other than ipc and loopback are refused by name', async (t) => {
  const folder = temporaryFolder(t);
  const long = `ipc://${join(folder, 'x'.repeat(120))}`;
  for (const [endpoint, named] of [
    ['tcp://0.0.0.0:5555', /loopback.*0\.0\.0\.0/],
    ['tcp://192.168.0.1:5555', /loopback/],
    ['tcp://example.com:5555', /loopback/],
    ['tcp://127.0.0.1:0', /port/],
    ['tcp://127.0.0.1:70000', /port/],
    ['tcp://127.0.0.1', /endpoint/],
    ['udp://127.0.0.1:5555', /endpoint/],
    ['ipc://', /path/],
    [long, /the path has \d+ bytes, the system allows 107/],
  ] as const) {
    await refused(t, ['broker', '--data', join(folder, 'data'), '--listen', endpoint], named);
    await refused(t, ['retire', '--producer', 'aa00000000000001', '--connect', endpoint], named);
  }
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
    const { process } = await broker(t, folder);
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
  const names = ['it\'s a "socket"', 'söcket', 'a b', '*.sock', 'x'.repeat(60)];
  const endpoints = names.map((name) => `ipc://${join(folder, name)}`);
  endpoints.push(`tcp://localhost:${await freePort()}`);
  for (const [index, endpoint] of endpoints.entries()) {
    const argv = ['--data', join(folder, String(index)), '--listen', endpoint, '--partitions', '1'];
    const serving = new TestProcess(t, ['broker', ...argv]);
    await serving.ready();
    await refused(t, ['retire', '--connect', endpoint, '--producer', 'aa00000000000001'], /no journal knows it/);
    await serving.signal('SIGKILL');
    await serving.exit();
  }
});

test.serial('a data folder that is in use, of another kind, or no folder is refused by name', async (t) => {
  const folder = temporaryFolder(t);
  const { data, endpoint } = await broker(t, folder);
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

test.serial('another number of partitions than the data folder has is refused with both', async (t) => {
  const folder = temporaryFolder(t);
  const { process, data, endpoint } = await broker(t, folder);
  await process.signal('SIGTERM');
  t.is((await process.exit()).code, EXIT.holds);
  await refused(t, ['broker', '--data', data, '--listen', endpoint, '--partitions', '3'], /has 2 partitions, not 3/);
});

test.serial('an ipc path or a port in use is refused by name, and its owner keeps it', async (t) => {
  const folder = temporaryFolder(t);
  const { process, endpoint } = await broker(t, folder);
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

test.serial('partitions that the journals do not have are refused by number', async (t) => {
  const folder = temporaryFolder(t);
  const { endpoint } = await broker(t, folder);
  const argv = ['summer', '--data', join(folder, 'summer'), '--connect', endpoint, '--partitions', '1-2'];
  await refused(t, argv, 'there is no partition 2: the journals have 2');
});

test.serial('a batch that does not fit the retention is refused with the most that does', async (t) => {
  const folder = temporaryFolder(t);
  const { endpoint } = await broker(t, folder, ['--retention', '1MiB']);
  const argv = ['chunker', '--data', join(folder, 'chunker'), '--connect', endpoint, '--batch-bytes', '256KiB'];
  await refused(t, argv, /--batch-bytes 262144: .* at most \d+/);
});

test.serial('another workload on the folder of a chunker is refused with both', async (t) => {
  const folder = temporaryFolder(t);
  const { endpoint } = await broker(t, folder);
  const argv = [
    'chunker',
    '--data',
    join(folder, 'chunker'),
    '--connect',
    endpoint,
    '--rate',
    '100',
    '--chunks',
    '1000',
  ];
  const chunker = new TestProcess(t, argv);
  await chunker.ready();
  await chunker.signal('SIGTERM');
  t.is((await chunker.exit()).code, EXIT.holds);
  for (const [flag, value] of [
    ['--seed', '2'],
    ['--number', '1'],
    ['--files', '99'],
    ['--chunks', '999'],
    ['--chunk-bytes', '31'],
    ['--count', '5'],
  ] as const) {
    await refused(t, [...argv, flag, value], /belongs to another workload, seed 1, .*, and not to seed/);
  }
  const again = new TestProcess(t, [...argv, '--rate', '200']);
  t.like(await again.ready(), { resumed: true });
});

test.serial(
  'a chunker ends by itself when its files are verified, and the same command finds its work done',
  async (t) => {
    const folder = temporaryFolder(t);
    const { endpoint } = await broker(t, folder);
    const at = (name: string): string[] => ['--data', join(folder, name), '--connect', endpoint];
    const summer = new TestProcess(t, ['summer', ...at('summer'), '--partitions', '0,1']);
    await summer.ready();
    const argv = ['chunker', ...at('chunker'), '--files', '5', '--count', '20'];
    const producers: string[] = [];
    for (const [more, resumed] of [
      [[], false],
      [[], true],
      [['--seed', '2'], false],
    ] as const) {
      const chunker = new TestProcess(t, [...argv, ...more]);
      const ready = await chunker.ready();
      t.like(ready, { resumed, verifiedTotal: resumed ? 20 : 0 });
      if (ready.component === 'chunker') producers.push(ready.producer);
      t.deepEqual(await chunker.exit(), { code: EXIT.holds, signal: null });
      t.deepEqual(chunker.events.at(-1), { event: 'drained', verifiedTotal: 20, filesCompletedTotal: 20 });
      t.deepEqual(
        chunker.events.map(({ event }) => event),
        ['ready', 'drained'],
      );
    }
    t.is(producers[1], producers[0]);
    t.not(producers[2], producers[0]);
  },
);

test.serial('a chunker that is stopped before its work is done exits 3, and the same command goes on', async (t) => {
  const folder = temporaryFolder(t);
  const { endpoint } = await broker(t, folder);
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
