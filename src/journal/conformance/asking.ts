/** What the checks of an engine append, and how they ask: every answer has a deadline, and a wrong answer throws. */

import { deepEqual, ok } from 'node:assert/strict';
import { OperatingError } from '../../core/errors.ts';
import { crc32c } from '../../hash/crc32c.ts';
import { encodeBatch, shardProducer } from '../../message/batch.ts';
import { encodeChunk, fileIdOf } from '../../message/chunk.ts';
import { encodeSum } from '../../message/sum.ts';
import {
  type AppendOutcome,
  type Journals,
  type ReadStream,
  SUMS_JOURNAL,
  type ShardEpoch,
  type StoredBatch,
  chunkJournal,
} from '../journals.ts';

/** No request to an engine takes longer. */
const DEADLINE_MS = 120_000;
export const JOURNAL: string = chunkJournal(0);
export const PRODUCER = 'ca00000000000001';
export const OTHER = 'ca00000000000002';
export const CREDIT: { readonly creditBytes: number } = { creditBytes: 1024 * 1024 };

export async function soon<T>(promise: Promise<T>, what: string): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new OperatingError('ERR_DEADLINE', `no ${what}`)), DEADLINE_MS);
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}

export function chunks(first: number, count: number, options: { producer?: string; journal?: string } = {}): Buffer {
  const { producer = PRODUCER, journal = JOURNAL } = options;
  const records = Array.from({ length: count }, (_, at) =>
    encodeChunk({ fileId: fileIdOf(producer, first + at), sequence: 1, data: Buffer.from(`record ${first + at}`) }),
  );
  const header = { kind: 'chunks', producer, firstIndex: first, count, epoch: 0 } as const;
  return encodeBatch(header, Buffer.concat(records), journal, crc32c);
}

export function end(index: number): Buffer {
  const header = { kind: 'end', producer: PRODUCER, firstIndex: index, count: 1, epoch: 0 } as const;
  return encodeBatch(header, new Uint8Array(0), JOURNAL, crc32c);
}

export function sums(first: number, count: number, { shard, epoch }: ShardEpoch): Buffer {
  const records = Array.from({ length: count }, (_, at) =>
    encodeSum({ fileId: fileIdOf(PRODUCER, first + at), lastSequence: 2, bytes: 8, digest: '5a'.repeat(32) }),
  );
  const header = { kind: 'sums', producer: shardProducer(shard), firstIndex: first, count, epoch } as const;
  return encodeBatch(header, Buffer.concat(records), SUMS_JOURNAL, crc32c);
}

export function append(journals: Journals, bytes: Buffer, journal: string = JOURNAL): Promise<AppendOutcome> {
  return soon(journals.append(journal, bytes), 'answer to an append');
}

export async function committed(
  journals: Journals,
  bytes: Buffer,
  owner?: ShardEpoch,
): Promise<{ begin: number; end: number }> {
  const journal = owner === undefined ? JOURNAL : SUMS_JOURNAL;
  const outcome = await soon(journals.append(journal, bytes, owner), 'answer to an append');
  ok(outcome.outcome === 'committed', JSON.stringify(outcome));
  return outcome;
}

export async function take(stream: ReadStream): Promise<StoredBatch> {
  const next = await soon(stream.next(), 'next batch');
  ok(next !== null && 'bytes' in next, JSON.stringify(next));
  return next;
}

export async function endOf(stream: ReadStream): Promise<string | null> {
  const next = await soon(stream.next(), 'end of the stream');
  return next === null || 'bytes' in next ? null : next.end;
}

export async function raised(journals: Journals, shard: number, path: string, takeOver = false): Promise<ShardEpoch> {
  const from = (await soon(journals.list(), 'list')).shards[shard]?.epoch ?? 0;
  const outcome = await soon(journals.raise(shard, path, { takeOver, from }), 'answer to a raise');
  ok(outcome.outcome === 'raised', JSON.stringify(outcome));
  return { shard, epoch: outcome.epoch };
}

export function expects(outcome: { readonly outcome: string; readonly n?: number }, n: number): void {
  deepEqual({ outcome: outcome.outcome, n: outcome.n }, { outcome: 'expected', n });
}

/** What a check does with the clients of its own engine. */
export type CheckBody = (connect: () => Journals) => Promise<void>;

export type CheckCase = readonly [title: string, check: CheckBody];
