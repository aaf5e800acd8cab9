/**
 * The checks after the drain, through the broker and the stores, of what the chunkers cannot see. By now all files are
 * complete and verified, so nothing of their producers may be left anywhere. Every journal is folded to its head, and
 * every producer has ended. Every finished sum is in the sums journal, which has no more sums than there were files. No
 * context of a file is left.
 */

import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { systemClock, delay } from '../../../src/core/clock.ts';
import { OperatingError } from '../../../src/core/errors.ts';
import { type Journals, type JournalsInfo, SUMS_JOURNAL, chunkJournal } from '../../../src/journal/journals.ts';
import { shardProducer } from '../../../src/message/batch.ts';
import { readLmdbStore } from '../../../src/store/lmdb-store.ts';
import { SUMMER_TABLES } from '../../../src/summer/rows.ts';
import { readCheckpoint } from '../../guarantee/checkpoint.ts';
import type { SoakOptions } from '../soak-options.ts';
import type { Violation } from '../../guarantee/violation.ts';

/** Summers report at least once a second. Not reaching the head in so many milliseconds is not a mere delay. */
const REPORTED_MS_MAX = 15_000;
const POLL_MS = 100;
/** Folder in the data folder for copies of the summers' stores. */
const SCRATCH_NAME = 'audit';

/** The durable state of one shard at its owner, and what the journals say about it. */
export type ShardEvidence = {
  readonly shard: number;
  readonly journalHead: number;
  /** How many sums of the shard are in the sums journal. */
  readonly sumsPublished: number;
  /** `null`: the store has no checkpoint of the shard. */
  readonly checkpoint: { readonly offset: number; readonly nextSum: number } | null;
  /** Ids of the open files, 32 hexadecimal digits each. */
  readonly openFiles: readonly string[];
};

/** The input of the checks after the drain. The broker and the summers still run; the chunkers have ended. */
export type AuditContext = {
  readonly endpoint: string;
  readonly dataFolder: string;
  readonly options: SoakOptions;
  /** The chunkers of this run; the totals are over the whole life of each producer. */
  readonly producers: readonly {
    readonly process: string;
    /** 16 hexadecimal digits. */
    readonly producer: string;
    readonly verifiedTotal: number;
    readonly filesCompletedTotal: number;
  }[];
  /** Producers that died for good and have ended, with what they had verified by their last report. */
  readonly retired: readonly { readonly process: string; readonly producer: string; readonly verifiedTotal: number }[];
  /** Aborted when the user does not want to wait. */
  readonly signal: AbortSignal;
};
/** Throws OperatingError when a check cannot be made, which makes the run inconclusive. */
export type Audit = (context: AuditContext) => Promise<readonly Violation[]>;

/** Opens a connection for the audit's questions. */
export type Connect = (endpoint: string) => Journals;

/** Waits for an answer of the broker, at most as long as `withDeadline` allows. */
type Answered = <T>(work: Promise<T>) => Promise<T>;

export function makeAudit(connect: Connect): Audit {
  return async (context) => {
    const journals = connect(context.endpoint);
    const scratchFolder = join(context.dataFolder, SCRATCH_NAME);
    // The folder of a killed audit of the same data folder.
    await rm(scratchFolder, { recursive: true, force: true });
    try {
      const answered: Answered = (work) => withDeadline(work, context.signal);
      const info = await answered(untilReported(journals, context));
      const evidence: ShardEvidence[] = [];
      for (const shard of info.shards) {
        const sumsPublished = await answered(publishedOf(journals, shard.shard));
        // One after the other, because each needs room for a copy.
        evidence.push(await readShard(info, shard, { sumsPublished, scratchFolder }));
      }
      const producers = [...context.producers, ...context.retired].map(({ producer }) => producer);
      return [
        ...(await checkEnded(journals, info, context, answered)),
        ...evidence.flatMap((shard) => checkShard(shard, producers)),
        ...checkTotals(evidence, context),
      ];
    } finally {
      journals.close();
      await rm(scratchFolder, { recursive: true, force: true });
    }
  };
}

/** Checks a shard whose producers have all ended: folded to the head, published, nothing left. */
export function checkShard(evidence: ShardEvidence, producers: readonly string[]): Violation[] {
  const { shard, journalHead, sumsPublished, checkpoint, openFiles } = evidence;
  const journal = chunkJournal(shard);
  const found = (kind: Violation['kind'], detail: string, file?: string): Violation => ({
    process: 'audit',
    kind,
    detail,
    journal,
    ...(file === undefined ? {} : { file }),
  });
  if (checkpoint === null) {
    return journalHead === 0
      ? []
      : [found('state-behind', `the journal ends at ${journalHead}, and its shard has no checkpoint`)];
  }
  const violations: Violation[] = [];
  const { offset, nextSum } = checkpoint;
  if (offset < journalHead)
    violations.push(found('state-behind', `folded to ${offset}, the journal ends at ${journalHead}`));
  if (offset > journalHead)
    violations.push(found('state-ahead', `folded to ${offset}, the journal ends at ${journalHead}`));
  if (nextSum > sumsPublished)
    violations.push(found('lost', `${nextSum} sums are finished, ${sumsPublished} are in the sums journal`));
  if (nextSum < sumsPublished)
    violations.push(
      found('state-behind', `${nextSum} sums are finished, but ${sumsPublished} are in the sums journal`),
    );
  for (const file of openFiles) {
    if (producers.some((producer) => file.startsWith(producer)))
      violations.push(found('leak', 'the context of a verified file is still open', file));
  }
  return violations;
}

/**
 * Checks that there are as many sums as files. For a retired chunker only the least number of its files is known: those
 * that it had verified. Chunkers judge the sums of their own files as long as they run. Sums of no chunker, or sums
 * that came after a chunker's end, show only in the numbers. For an older data folder nobody knows what was in it
 * before.
 */
function checkTotals(
  evidence: readonly ShardEvidence[],
  { options, producers, retired }: Pick<AuditContext, 'options' | 'producers' | 'retired'>,
): Violation[] {
  if (options.data !== null || producers.length < options.chunkers) return [];
  const sums = evidence.reduce((total, { sumsPublished }) => total + sumsPublished, 0);
  const verified = retired.reduce((total, { verifiedTotal }) => total + verifiedTotal, 0);
  const files = producers.reduce((total, { filesCompletedTotal }) => total + filesCompletedTotal, verified);
  if (sums === files || (sums > files && retired.length > 0)) return [];
  const detail = `${sums} sums are in the sums journal, of ${files} completed files`;
  return [{ process: 'audit', kind: sums > files ? 'phantom' : 'lost', detail, journal: SUMS_JOURNAL }];
}

async function checkEnded(
  journals: Journals,
  info: JournalsInfo,
  context: AuditContext,
  answered: Answered,
): Promise<Violation[]> {
  const violations: Violation[] = [];
  for (const { process, producer } of [...context.producers, ...context.retired]) {
    for (let partition = 0; partition < info.partitions; partition += 1) {
      const journal = chunkJournal(partition);
      const answer = await answered(journals.expected(journal, producer));
      if (answer.outcome === 'ended') continue;
      const detail = `the end of producer ${producer} of ${process} was acknowledged, but the journal does not have it`;
      violations.push({ process: 'audit', kind: 'acknowledged-loss', detail, journal });
    }
  }
  return violations;
}

/** Waits until every shard has reported that it is folded to the head. After the bound, returns the present reports. */
async function untilReported(journals: Journals, { signal }: AuditContext): Promise<JournalsInfo> {
  const deadlineNs = systemClock.nowNs() + REPORTED_MS_MAX * 1e6;
  for (;;) {
    const info = await journals.list();
    const isReported = info.shards.every(({ shard, pin }) => pin >= (info.journals[shard]?.head ?? 0));
    if (isReported || signal.aborted || systemClock.nowNs() > deadlineNs) return info;
    await delay(systemClock, POLL_MS, signal);
  }
}

async function publishedOf(journals: Journals, shard: number): Promise<number> {
  const published = await journals.expected(SUMS_JOURNAL, shardProducer(shard));
  return published.outcome === 'expected' ? published.n : 0;
}

async function readShard(
  info: JournalsInfo,
  owner: JournalsInfo['shards'][number],
  { sumsPublished, scratchFolder }: { readonly sumsPublished: number; readonly scratchFolder: string },
): Promise<ShardEvidence> {
  const { shard, confirmed } = owner;
  const evidence = { shard, journalHead: info.journals[shard]?.head ?? 0, sumsPublished };
  if (confirmed === null) return { ...evidence, checkpoint: null, openFiles: [] };
  return readLmdbStore({ folder: confirmed, scratchFolder, kind: 'summer', tables: SUMMER_TABLES }, (reader) => {
    const checkpoint = readCheckpoint(reader, shard);
    return { ...evidence, checkpoint, openFiles: Object.keys(checkpoint?.openFiles ?? {}) };
  });
}

/** A broker that does not answer makes the audit impossible, but not endless. */
export async function withDeadline<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  const ended = new AbortController();
  const over = delay(systemClock, REPORTED_MS_MAX * 2, AbortSignal.any([signal, ended.signal])).then((): never => {
    throw new OperatingError('ERR_AUDIT', signal.aborted ? 'the run was ended' : 'the broker did not answer');
  });
  try {
    return await Promise.race([work, over]);
  } finally {
    ended.abort();
    over.catch(() => {});
  }
}
