/** What commands accept and refuse, as processes. `commands.deep.test.ts` has more of them. */

import { join } from 'node:path';
import test from 'ava';
import { simulateCommand } from '../../soak/simulation/simulate-command.ts';
import { soakCommand } from '../../soak/live/soak-command.ts';
import { usageErrorOf } from '../component/flags.ts';
import { EXIT } from '../core/errors.ts';
import { brokerCommand } from './broker-command.ts';
import { chunkerCommand } from './chunker-command.ts';
import { retireCommand } from './retire-command.ts';
import { summerCommand } from './summer-command.ts';
import {
  NO_FOLDER,
  NOWHERE,
  endpointReached,
  endpointRefused,
  otherWorkloadsRefused,
  refused,
  startBroker,
} from './testing/command-line.ts';
import { TestProcess, temporaryFolder } from './testing/test-process.ts';

test.serial('an unknown command, an unknown flag and a missing flag are one line each, exit 2', async (t) => {
  await refused(t, ['nonsense'], /nonsense/);
  await refused(t, ['broker', '--data', NO_FOLDER, '--listen', NOWHERE, '--nonsense'], /--nonsense/);
  await refused(t, ['chunker', '--data', NO_FOLDER], /--connect/);
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
  await endpointRefused(t, 'tcp://0.0.0.0:5555', /loopback.*0\.0\.0\.0/);
});

test.serial('an endpoint that is accepted can be reached, by the name that was typed', async (t) => {
  const folder = temporaryFolder(t);
  await endpointReached(t, join(folder, 'data'), `ipc://${join(folder, `it's a "socket"`)}`);
});

test.serial('another number of partitions than the data folder has is refused with both', async (t) => {
  const folder = temporaryFolder(t);
  const { process, data, endpoint } = await startBroker(t, folder);
  await process.signal('SIGTERM');
  t.is((await process.exit()).code, EXIT.holds);
  await refused(t, ['broker', '--data', data, '--listen', endpoint, '--partitions', '3'], /has 2 partitions, not 3/);
});

test.serial('partitions that the journals do not have are refused by number', async (t) => {
  const folder = temporaryFolder(t);
  const { endpoint } = await startBroker(t, folder);
  const argv = ['summer', '--data', join(folder, 'summer'), '--connect', endpoint, '--partitions', '1-2'];
  await refused(t, argv, 'there is no partition 2: the journals have 2');
});

test.serial('a batch that does not fit the retention is refused with the most that does', async (t) => {
  const folder = temporaryFolder(t);
  const { endpoint } = await startBroker(t, folder, ['--retention', '1MiB']);
  const argv = ['chunker', '--data', join(folder, 'chunker'), '--connect', endpoint, '--batch-bytes', '256KiB'];
  await refused(t, argv, /--batch-bytes 262144: .* at most \d+/);
});

test.serial('another workload on the folder of a chunker is refused with both', async (t) => {
  await otherWorkloadsRefused(t, [['--seed', '2']]);
});

test.serial(
  'a chunker ends by itself when its files are verified, and the same command finds its work done',
  async (t) => {
    const folder = temporaryFolder(t);
    const { endpoint } = await startBroker(t, folder);
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
