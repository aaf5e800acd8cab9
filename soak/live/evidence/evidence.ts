/**
 * `evidence/` in the folder of a violated run: the witness of its first violation in words (`witness.txt`) and in data,
 * with everything that a stranger needs to find the cause from this folder alone. results/README.md lists its files.
 *
 * A part that cannot be read or written is named, and the verdict stays. Every process has ended by then, but stores
 * are still read from copies.
 */

import { copyFileSync, existsSync, mkdirSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { systemClock } from '../../../src/core/clock.ts';
import { OperatingError } from '../../../src/core/errors.ts';
import { makeFoldersSync } from '../../../src/core/folder.ts';
import { encodeCsv } from '../../../src/results/csv-grammar.ts';
import type { LoggedEvent } from '../../guarantee/logged-event.ts';
import { HISTORY_FOLDER, readHistory } from '../../guarantee/recorded-history.ts';
import { Chronicle, type Hole } from '../../guarantee/story/chronicle.ts';
import type { StoryFacts } from '../../guarantee/story/story-facts.ts';
import { storyTitle } from '../../guarantee/story/story-lines.ts';
import type { ViolationStory } from '../../guarantee/story/violation-stories.ts';
import { explainCommand } from '../../guarantee/story/command-line.ts';
import { type KeptJournals, readKeptJournals } from './kept-journals.ts';
import { type KeptShard, readKeptStores } from './kept-stores.ts';
import { type LogLine, linesThatMatter, logLines, tailOf } from './log-lines.ts';
import type { WitnessData } from './showings.ts';
import { witnessText } from './witness-text.ts';

export const EVIDENCE_FOLDER = 'evidence';
/** The file to begin with. */
export const WITNESS_NAME = 'witness.txt';
/** Events and log lines are included from this long before the first wait to this long after the last finding. */
const AROUND_NS = 2e9;

export type EvidenceOf = {
  /** The folder of the run. */
  readonly folder: string;
  readonly dataFolder: string;
  readonly partitions: number;
  readonly facts: StoryFacts;
  readonly stories: readonly ViolationStory[];
  /** Times are counted from here. */
  readonly startNs: number;
  readonly command: readonly string[];
};

/** Log lines that belong to each story, for the screen. */
export function logLinesOf({
  folder,
  stories,
  startNs,
}: Pick<EvidenceOf, 'folder' | 'stories' | 'startNs'>): string[][] {
  return stories.map((story) =>
    linesThatMatter(linesAround(folder, story))
      // The log of a process that found the violation says the same as the story.
      .filter(({ text }) => !text.startsWith('violation='))
      .toReversed()
      .map(({ process, atMs, level, text }) => `${process} at ${timeOf(atMs, startNs)}, ${level}: ${text}`),
  );
}

/**
 * Writes the folder, and returns the path of the file to begin with. Throws the system's error when nothing can be
 * written.
 */
export async function writeEvidence(of: EvidenceOf): Promise<string> {
  const { folder, stories, startNs } = of;
  const evidence = join(folder, EVIDENCE_FOLDER);
  // Not the folders above it: where the run's folder is gone there is nothing to add to.
  mkdirSync(evidence);
  const unread: string[] = [];
  const data = await gather(of, { scratchFolder: join(evidence, 'scratch'), unread });
  const { chronicle, events } = historyOf(of, unread);
  const [story] = stories;
  const files = [
    ...writeData(evidence, data),
    ...writeEvents(evidence, eventsAround(events, story)),
    ...copyTables(folder, evidence),
  ];
  const lines = story === undefined ? [] : linesThatMatter(linesAround(folder, story));
  const file = data.file;
  const text = witnessText({
    ...data,
    title: `VIOLATED  ${story === undefined ? 'a guarantee broke' : storyTitle(story)}`,
    stories,
    startNs,
    chronicle,
    unread,
    logLines: lines,
    timeOf: (atMs) => timeOf(atMs, startNs),
    dataFolder: of.dataFolder,
    command: of.command,
    explain: explainCommand(folder, ...(file === null ? ['--why'] : ['--file', file, '--why'])),
    files,
  });
  const path = join(evidence, WITNESS_NAME);
  writeFileSync(path, text);
  return path;
}

async function gather(
  { stories, facts, dataFolder, partitions }: EvidenceOf,
  { scratchFolder, unread }: { readonly scratchFolder: string; readonly unread: string[] },
): Promise<WitnessData> {
  const [story] = stories;
  if (story === undefined) return { file: null, expected: null, journals: null, stores: [] };
  const { file: named = null, partition, journal, offset } = story.example;
  let journals: KeptJournals | null = null;
  let stores: KeptShard[] = [];
  try {
    journals = await orUnread(unread, () =>
      readKeptJournals(
        { brokerFolder: join(dataFolder, 'broker'), scratchFolder },
        {
          file: named,
          partition,
          partitions,
          workloadOf: (file) => facts.workloadOf(file),
          batch: journal === undefined || offset === undefined ? null : { journal, offset },
        },
      ),
    );
    const file = journals?.file ?? named;
    const shards = partition === null ? shardOf(facts, file) : [partition];
    const workload = file === null ? null : facts.workloadOf(file);
    const found = await orUnread(unread, () =>
      readKeptStores({ dataFolder, scratchFolder }, { shards, file, workload }),
    );
    stores = found ?? [];
  } finally {
    rmSync(scratchFolder, { recursive: true, force: true });
  }
  const file = journals?.file ?? named;
  const number = file === null ? Number.NaN : Number.parseInt(file.slice(16), 16);
  const workload = file === null ? null : facts.workloadOf(file);
  const isKnown = workload !== null && Number.isSafeInteger(number);
  return { file, expected: isKnown ? workload.expectedSum(number) : null, journals, stores };
}

function shardOf(facts: StoryFacts, file: string | null): number[] {
  const partition = file === null ? null : facts.partitionOf({ file });
  return partition === null ? [] : [partition];
}

async function orUnread<T>(unread: string[], read: () => Promise<T>): Promise<T | null> {
  try {
    return await read();
  } catch (error) {
    if (!(error instanceof OperatingError) && typeof (error as { code?: unknown } | null)?.code !== 'string')
      throw error;
    unread.push(error instanceof Error ? error.message : String(error));
    return null;
  }
}

// --- the history ---

function historyOf(
  { folder, startNs }: EvidenceOf,
  unread: string[],
): { readonly chronicle: Chronicle | null; readonly events: readonly LoggedEvent[] } {
  const events: LoggedEvent[] = [];
  const holes: Hole[] = [];
  try {
    for (const line of readHistory(join(folder, HISTORY_FOLDER))) {
      if (line.what === 'event') events.push(line.event);
      else if (line.what === 'compacted') {
        const { fromNs, toNs, firstN, lastN, kinds } = line.compacted;
        const what = Object.entries(kinds).map(([kind, count]) => `${kind} ${count}`);
        holes.push({ fromNs, toNs, events: lastN - firstN + 1, what: what.join(', ') });
      }
    }
  } catch (error) {
    if (!(error instanceof OperatingError)) throw error;
    unread.push(error.message);
  }
  return { chronicle: events.length === 0 ? null : new Chronicle(events, { holes, startNs }), events };
}

function eventsAround(events: readonly LoggedEvent[], story: ViolationStory | undefined): readonly LoggedEvent[] {
  if (story === undefined) return [];
  const { fromNs, toNs } = story;
  return events.filter(
    ({ atNs, event }) => event === 'run' || (atNs >= fromNs - AROUND_NS && atNs <= toNs + AROUND_NS),
  );
}

// --- logs ---

function linesAround(folder: string, { fromNs, toNs }: ViolationStory): LogLine[] {
  const logs = join(folder, 'logs');
  const names = existsSync(logs) ? readdirSync(logs).filter((name) => name.endsWith('.log')) : [];
  return logLines(logs, {
    processes: names.map((name) => name.replace(/\.log$/, '')),
    fromMs: epochMsOf(fromNs - AROUND_NS),
    toMs: epochMsOf(toNs + AROUND_NS),
  });
}

/** Logs have the time of day; everything else has the monotonic clock. */
function epochMsOf(ns: number): number {
  return Date.now() - (systemClock.nowNs() - ns) / 1e6;
}

function timeOf(atMs: number, startNs: number): string {
  return `${((atMs - epochMsOf(startNs)) / 1e3).toFixed(2)} s`;
}

// --- what is written ---

type Written = readonly (readonly [name: string, what: string])[];

const CHUNK_COLUMNS = ['sequence', 'bytes', 'is_end', 'record', 'journal', 'batch_begin', 'batch_end', 'is_right'];

function writeData(evidence: string, data: WitnessData): Written {
  const { journals } = data;
  const { batches = [], records = [], ...rest } = journals ?? {};
  const witness = { ...data, journals: journals === null ? null : { ...rest, records } };
  writeFileSync(join(evidence, 'witness.json'), `${JSON.stringify(witness, null, 2)}\n`);
  const rows = records.map((record) => [
    record.sequence,
    record.bytes,
    record.isEnd ? 1 : 0,
    record.index,
    record.journal,
    record.begin,
    record.end,
    record.isRight === null ? null : record.isRight ? 1 : 0,
  ]);
  writeFileSync(join(evidence, 'chunks.csv'), encodeCsv([CHUNK_COLUMNS, ...rows]));
  if (batches.length > 0) makeFoldersSync(join(evidence, 'batches'));
  for (const { journal, begin, bytes } of batches) {
    writeFileSync(join(evidence, 'batches', `${journal.replaceAll('/', '-')}-${begin}.bin`), bytes);
  }
  return [
    ['witness.json', 'the same in data: digests, records, sums, and what the stores have of the file and its shard'],
    ['chunks.csv', 'each record of the file with its batch; is_right: 1 when its data is what the seed says'],
    ...(batches.length === 0
      ? []
      : ([['batches/', 'the batches that hold the file, as the journal has them (src/message/batch.ts)']] as const)),
  ];
}

function writeEvents(evidence: string, events: readonly LoggedEvent[]): Written {
  const lines = events.map((event) => `${JSON.stringify(event)}\n`).join('');
  writeFileSync(join(evidence, 'events.ndjson'), lines);
  return [
    ['events.ndjson', `events of every process within ${AROUND_NS / 1e9} s, one JSON a line (results/README.md)`],
  ];
}

/** The most bytes of a log's end. A log may cover days. */
const LOG_BYTES_MAX = 4 * 1024 * 1024;
const TABLES = ['run.json', 'faults.csv', 'violations.csv'];

/** Copies tables from the folder of the run, so that the evidence can be handed on alone. */
function copyTables(folder: string, evidence: string): Written {
  for (const name of TABLES) if (existsSync(join(folder, name))) copyFileSync(join(folder, name), join(evidence, name));
  const logs = join(folder, 'logs');
  if (existsSync(logs)) {
    makeFoldersSync(join(evidence, 'logs'));
    for (const name of readdirSync(logs)) {
      writeFileSync(join(evidence, 'logs', name), tailOf(join(logs, name), LOG_BYTES_MAX));
    }
  }
  return [
    [TABLES.join(', '), 'of the run: what was asked for, the faults, each single violation'],
    ['logs/', `what each process wrote to stderr, over all its restarts, up to ${LOG_BYTES_MAX / 1024 ** 2} MiB`],
  ];
}
