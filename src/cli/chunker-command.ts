/** `stream-sum chunker`: publishes files in chunks and verifies the sum of each. */

import { randomBytes } from 'node:crypto';
import type { Command } from 'commander';
import { clockDomain } from '../core/clock-domain.ts';
import { systemClock } from '../core/clock.ts';
import { type Range, parseBytes, parseCount, parseDuration } from '../core/units.ts';
import { batchBytesWithin, prepareChunker } from '../chunker/prepare-chunker.ts';
import { CHUNKER_TABLES } from '../chunker/rows/records.ts';
import { markChunker, markReady } from '../moments/marked.ts';
import { openOwnMoments } from '../moments/own-moments.ts';
import { openLmdbStore } from '../store/lmdb-store.ts';
import { ChunkerReport } from './chunker-report.ts';
import { ComponentRuntime } from '../component/runtime.ts';
import {
  type JournalsFlags,
  type JournalsPlace,
  journalsOptions,
  openJournals,
  parseJournals,
} from './journals-options.ts';
import { countWithin, makeCommand, parseRate, rangeOf, requireOptions, valueOption } from '../component/flags.ts';
import { type Supervision, supervisedOption } from '../component/supervision.ts';

type Flags = JournalsFlags & {
  data: string;
  number: number;
  seed: number;
  files: number;
  chunks: Range;
  chunkBytes: Range;
  rate: number | 'max';
  batchBytes: number;
  sla: number;
  count?: number;
  supervised: Supervision;
};

export function chunkerCommand(): Command {
  const command = makeCommand(
    'chunker',
    'Publish files in chunks and verify that the right sum of each arrives in time.',
  );
  command.option('--data <folder>', 'folder of the store; made when missing');
  requireOptions(command, '--data');
  return journalsOptions(command)
    .addOption(
      valueOption(
        '--number <n>',
        "this chunker's number, from 0: each number publishes other files",
        countWithin(0, 65_535),
        '0',
      ),
    )
    .addOption(valueOption('--seed <n>', 'decides the data', parseCount, '1'))
    .addOption(valueOption('--files <n>', 'files open at once', countWithin(1, 1_000_000), '100'))
    .addOption(valueOption('--chunks <n|a..b>', 'data chunks of a file', rangeOf(parseCount), '100'))
    .addOption(valueOption('--chunk-bytes <size|a..b>', 'bytes of a chunk', rangeOf(parseBytes), '32'))
    .addOption(
      valueOption(
        '--rate <n|max>',
        'chunks a second, on an open-loop schedule; max: as fast as acknowledged',
        parseRate,
        'max',
      ),
    )
    .addOption(valueOption('--batch-bytes <size>', 'the most bytes of one record batch', parseBytes, '256KiB'))
    .addOption(valueOption('--sla <time>', 'the longest that a sum may take', parseDuration, '30s'))
    .addOption(
      valueOption(
        '--count <n>',
        'files to publish (default: it publishes until SIGTERM)',
        countWithin(1, Number.MAX_SAFE_INTEGER),
      ),
    )
    .addOption(supervisedOption())
    .action((flags: Flags) => runChunker(flags));
}

async function runChunker(flags: Flags): Promise<void> {
  const place = parseJournals(flags, flags.data);
  // Checked before anything is opened.
  batchBytesWithin(flags);
  const runtime = new ComponentRuntime({ component: 'chunker', supervised: flags.supervised });
  await runtime.compose(() => chunk(runtime, flags, place));
}

async function chunk(runtime: ComponentRuntime, flags: Flags, place: JournalsPlace): Promise<void> {
  let isDrained = false;
  let begun: { readonly verifiedTotal: number } | null = null;
  runtime.owes(() => (isDrained ? null : unfinished(flags.count, begun?.verifiedTotal ?? null)));
  const store = await openLmdbStore({
    folder: flags.data,
    kind: 'chunker',
    tables: CHUNKER_TABLES,
    tell: (line) => runtime.log.warn({}, line),
  });
  const journals = await openJournals(place, `chunker ${process.pid}`, runtime.log);
  const report = new ChunkerReport((event) => runtime.emit(event));
  const moments = openOwnMoments('chunker', (line) => runtime.log.warn({}, line));
  const { chunker, life } = await prepareChunker({
    ...(moments === null ? { store, journals } : markChunker({ store, journals }, moments)),
    clock: systemClock,
    workload: {
      seed: flags.seed,
      chunkerNumber: flags.number,
      filesOpen: flags.files,
      chunks: flags.chunks,
      chunkBytes: flags.chunkBytes,
    },
    fileCount: flags.count ?? null,
    rate: flags.rate === 'max' ? null : flags.rate,
    batchBytes: flags.batchBytes,
    slaMs: flags.sla,
    newProducer,
    boot: clockDomain(),
    events: {
      ...report.events,
      onDelay: (file, delaySeconds) => runtime.log.warn({ file, delaySeconds }, 'the sum of a file is late'),
      onEnding: (endStep) => runtime.emit({ event: 'ending', endStep }),
      onDrained: () => {
        const { verifiedTotal, filesTotal } = chunker;
        isDrained = true;
        runtime.log.info({ verifiedTotal }, life.isFinished ? ALREADY_DONE : 'every file is verified');
        runtime.report({ event: 'drained', verifiedTotal, filesCompletedTotal: filesTotal });
      },
      onTold: () => runtime.finish(),
      onFailure: (error) => runtime.fail(error),
    },
  });
  const verifiedBefore = life.ledger.verifiedTotal;
  runtime.serve({
    progress: () => report.progress(chunker),
    onCommand: (command) => {
      if (command.command === 'drain') chunker.drain();
      else if (command.command === 'watch') report.watch(command);
    },
    stop: async () => {
      await chunker.stop();
      journals.close();
      await store.close();
    },
  });
  begun = chunker;
  const { producer, resumed } = life;
  runtime.log.info({ producer, resumed, number: flags.number, verified: verifiedBefore }, 'chunking');
  runtime.emit({
    event: 'ready',
    component: 'chunker',
    pid: process.pid,
    producer,
    chunkerNumber: flags.number,
    resumed,
    verifiedTotal: verifiedBefore,
  });
  markReady('chunker', moments);
  chunker.start();
}

/** Whether the work that was asked for by number is done. `verified`: null before the chunker has begun. */
function unfinished(count: number | undefined, verified: number | null): string | null {
  if (count === undefined) return null;
  const done = verified === null ? 'it had not begun' : `${verified} of ${count} files are verified`;
  return `stopped before its work was done: ${done}; run the same command again to continue`;
}

const ALREADY_DONE = 'these files were already published and verified: use another seed, number or folder for others';

/** 8 random bytes; the first is never zero, because a zero byte marks the producers of shards. */
function newProducer(): string {
  const id = randomBytes(8);
  id[0] = (id[0] ?? 0) | 0x80;
  return id.toString('hex');
}
