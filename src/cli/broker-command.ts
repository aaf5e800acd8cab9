/** `stream-sum broker`: the embedded journals as a process. */

import type { Command } from 'commander';
import { UsageError } from '../core/errors.ts';
import { formatBytes, parseBytes, parseDuration } from '../core/units.ts';
import type { DroppedPin } from '../journal/broker/pins.ts';
import { BrokerServer } from '../journal/broker/server.ts';
import { PARTITIONS_MAX } from '../journal/journals.ts';
import { brokerWatch, markReady } from '../moments/marked.ts';
import { openOwnMoments } from '../moments/own-moments.ts';
import { checkListenable } from '../transport/endpoint-check.ts';
import { type Endpoint, parseEndpoint } from '../transport/endpoint.ts';
import { ComponentRuntime } from '../component/runtime.ts';
import { countWithin, makeCommand, requireOptions, valueOption } from '../component/flags.ts';
import { type Supervision, supervisedOption } from '../component/supervision.ts';

/** With less room a journal has no room for batches of a useful size. */
const RETENTION_BYTES_MIN = 1024 * 1024;

type Flags = {
  data: string;
  listen: string;
  partitions: number;
  retention: number;
  sumsRetention?: number;
  pinAbsence: number;
  pinPatience: number;
  supervised: Supervision;
};

export function brokerCommand(): Command {
  const command = makeCommand(
    'broker',
    'Serve the journals: durable appends by record index, reads with credit, fencing.',
  )
    .option('--data <folder>', 'folder of the store; made when missing')
    .option('--listen <endpoint>', 'where clients connect: ipc://PATH or tcp://127.0.0.1:PORT')
    .addOption(
      valueOption('--partitions <n>', 'chunk journals; cannot change later', countWithin(1, PARTITIONS_MAX), '8'),
    )
    .addOption(valueOption('--retention <size>', 'room for all chunk journals together', parseBytes, '256MiB'))
    .addOption(
      valueOption('--sums-retention <size>', 'room for the sums journal (default: as --retention)', parseBytes),
    )
    .addOption(
      valueOption(
        '--pin-absence <time>',
        'drop the pin of a killed verifier that has been absent for so long',
        parseDuration,
        '10m',
      ),
    )
    .addOption(
      valueOption(
        '--pin-patience <time>',
        "drop the pin of a verifier that keeps more than half of the sums' room and has not moved for so long",
        parseDuration,
        '5s',
      ),
    )
    .addOption(supervisedOption())
    .action((flags: Flags) => runBroker(flags));
  return requireOptions(command, '--data', '--listen');
}

async function runBroker(flags: Flags): Promise<void> {
  const endpoint = parseEndpoint(flags.listen, '--listen');
  const sumsRetention = flags.sumsRetention ?? flags.retention;
  for (const [flag, bytes] of [
    ['--retention', flags.retention],
    ['--sums-retention', sumsRetention],
  ] as const) {
    if (bytes < RETENTION_BYTES_MIN) throw new UsageError(`${flag} ${bytes}: must be at least 1MiB`);
  }
  // Checked before anything is made: a refused command leaves nothing behind.
  await checkListenable(endpoint, { option: '--listen', data: flags.data });
  const runtime = new ComponentRuntime({ component: 'broker', supervised: flags.supervised });
  await runtime.compose(() => serve(runtime, flags, { endpoint, sumsRetention }));
}

async function serve(
  runtime: ComponentRuntime,
  flags: Flags,
  { endpoint, sumsRetention }: { endpoint: Endpoint; sumsRetention: number },
): Promise<void> {
  const moments = openOwnMoments('broker', (line) => runtime.log.warn({}, line));
  const server = await BrokerServer.start({
    folder: flags.data,
    endpoint,
    config: {
      partitions: flags.partitions,
      retentionBytes: flags.retention,
      sumsBytes: sumsRetention,
      pinAbsenceMs: flags.pinAbsence,
      pinPatienceMs: flags.pinPatience,
    },
    onPinDropped: (dropped) => runtime.log.warn(dropped, droppedLine(dropped)),
    onFatal: (error) => runtime.fail(error),
    tell: (line) => runtime.log.warn({}, line),
    watch: moments === null ? undefined : brokerWatch(moments),
  });
  const { broker, store, incarnation } = server;
  runtime.serve({
    progress: () => ({
      event: 'progress',
      component: 'broker',
      commits: broker.counts.commits,
      appends: broker.counts.appends,
      bytesAppended: broker.counts.bytesAppended,
      diskBytes: store.diskBytes(),
      journalBytes: broker.state.journalBytes,
    }),
    stop: () => server.stop(),
  });
  markReady('broker', moments);
  runtime.log.info({ endpoint: endpoint.address, partitions: flags.partitions, incarnation }, 'serving');
  runtime.emit({ event: 'ready', component: 'broker', pid: process.pid, endpoint: endpoint.address, incarnation });
}

/** Which reader is at fault, and what became of its pin. */
function droppedLine({ journal, name, why, absentMs, keptBytes, roomBytes }: DroppedPin): string {
  const kept = `it kept ${formatBytes(keptBytes)} of the ${formatBytes(roomBytes)} that the journal has room for`;
  const cause = why === 'absent' ? `it was absent for ${Math.round(absentMs / 1000)} s` : `${kept} and did not move`;
  return `dropped the pin of ${name} in ${journal}: ${cause}. Its reader cannot go on; other readers can`;
}
