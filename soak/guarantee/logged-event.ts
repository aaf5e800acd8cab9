/**
 * An event of a history without its payload, as one line of JSON. A flight recorder keeps these lines, and stories are
 * told from them.
 *
 * Every field of the event stays, with three exceptions. The progress that a chunker `said` has no histograms. A
 * `batch` has the fields of its header instead of its bytes, and for sums the ids of their files; a batch that does not
 * verify has only its fault. A `checkpoint` has the number of open files and of unpublished sums, and lists them up to
 * `LISTED_MAX`.
 */

import { type ComponentEvent, isComponentEvent } from '../../src/component/protocol.ts';
import { asRecord, isCount } from '../../src/core/assert.ts';
import {
  type Check,
  type Shape,
  conforms,
  flag,
  hexadecimal,
  listOf,
  literal,
  nanoseconds,
  nullable,
  objectOf,
  optional,
  tableOf,
  text,
} from '../../src/core/shape.ts';
import { VIOLATION_KINDS } from '../../src/core/errors.ts';
import { SUM_BYTES, decodeSums } from '../../src/message/sum.ts';
import type { CountRange, WorkloadOptions } from '../../src/workload/workload.ts';
import type { BatchReader } from './checkers/batch-reader.ts';
import type { HistoryEvent, OpenFileState } from './history.ts';
import type { Cause, LogEntry } from './history-log.ts';

/** The most open files or unpublished sums of a checkpoint that are listed. Beyond that there is only the count. */
export const LISTED_MAX: number = 32;

type BatchEvent = Extract<HistoryEvent, { event: 'batch' }>;
type CheckpointEvent = Extract<HistoryEvent, { event: 'checkpoint' }>;

export type LoggedBatch = Omit<BatchEvent, 'bytes'> & {
  readonly byteLength: number;
  /** Why the bytes are not a batch of this journal. Then the fields below are absent. */
  readonly fault?: string;
  /** 16 hexadecimal digits. */
  readonly producer?: string;
  /** Index of the first record, counted by producer and journal. */
  readonly index?: number;
  /** The number of records. */
  readonly count?: number;
  /** The epoch of the shard that wrote it; absent for a chunker. */
  readonly epoch?: number;
  /** For a batch of sums: the file of each sum, 32 hexadecimal digits. */
  readonly files?: readonly string[];
};

export type LoggedCheckpoint = Omit<CheckpointEvent, 'openFiles' | 'outbox'> & {
  readonly openFileCount: number;
  /** By file id, 32 hexadecimal digits. */
  readonly openFiles?: CheckpointEvent['openFiles'];
  /** Finished sums that are not known to be in the sums journal. */
  readonly unpublishedCount: number;
  /** Their files, 32 hexadecimal digits each. */
  readonly unpublishedFiles?: readonly string[];
};

export type LoggedEvent = { readonly n: number; readonly cause?: Cause } & (
  | Exclude<HistoryEvent, { event: 'batch' | 'checkpoint' }>
  | LoggedBatch
  | LoggedCheckpoint
);

/** `reader`: shared with the checkers, so that each batch is opened once. */
export function loggedEvent({ n, event, cause }: LogEntry, reader: BatchReader): LoggedEvent {
  const place = cause === undefined ? { n } : { n, cause };
  if (event.event === 'batch') return { ...place, ...loggedBatch(event, reader) };
  if (event.event === 'checkpoint') return { ...place, ...loggedCheckpoint(event) };
  if (event.event === 'said') return { ...place, ...event, said: withoutHistograms(event.said) };
  return { ...place, ...event };
}

function withoutHistograms(said: ComponentEvent): ComponentEvent {
  if (said.event !== 'progress' || said.component !== 'chunker') return said;
  return { ...said, latency: null, acknowledgement: null, ...('scheduleLag' in said ? { scheduleLag: null } : {}) };
}

function loggedBatch(event: BatchEvent, reader: BatchReader): LoggedBatch {
  const { bytes, ...rest } = event;
  const logged = { ...rest, byteLength: bytes.length };
  const batch = reader.read(event);
  if ('fault' in batch) return { ...logged, fault: batch.fault };
  const { kind, producer, firstIndex: index, count, epoch, sums } = batch;
  const header = { ...logged, producer, index, count, ...(epoch === 0 ? {} : { epoch }) };
  return kind === 'sums' ? { ...header, files: sums.map(({ fileId }) => fileId) } : header;
}

function loggedCheckpoint({ openFiles, outbox, ...rest }: CheckpointEvent): LoggedCheckpoint {
  const openFileCount = Object.keys(openFiles).length;
  const unpublishedCount = outbox.reduce((count, { sums }) => count + Math.floor(sums.length / SUM_BYTES), 0);
  return {
    ...rest,
    openFileCount,
    ...(openFileCount > LISTED_MAX ? {} : { openFiles }),
    unpublishedCount,
    ...(unpublishedCount > LISTED_MAX ? {} : { unpublishedFiles: outbox.flatMap(({ sums }) => filesOf(sums)) }),
  };
}

function filesOf(sums: Uint8Array): string[] {
  return (decodeSums(sums) ?? []).map(({ fileId }) => fileId);
}

// --- what is read back ---

/** The fields of an event of this name, without those that every event has. */
type FieldsOf<Name extends LoggedEvent['event'], E = LoggedEvent> = E extends { readonly event: unknown }
  ? Name extends E['event']
    ? Omit<E, 'event' | 'atNs' | 'n' | 'cause'>
    : never
  : never;

const producer: Check = hexadecimal(16);
const file: Check = hexadecimal(32);
const range: Check = objectOf<CountRange>({ low: isCount, high: isCount });
const place: Shape<FieldsOf<'raised'>> = { process: text, shard: isCount, epoch: isCount, sumsHead: isCount };
const fault: Shape<FieldsOf<'fault-effective'>> = { id: isCount, kind: text, target: text };
const phase: Check = literal('warm-up', 'steady', 'faults', 'heal', 'drain', 'audit');
const failure: Shape<FieldsOf<'failed'>> = {
  process: text,
  what: text,
  exitCode: nullable(isCount),
  beforeReady: flag,
  lastLogLines: listOf(text),
};
const violation: Shape<FieldsOf<'violation'>> = {
  process: text,
  kind: literal(...VIOLATION_KINDS, 'unnamed'),
  detail: text,
  journal: optional(text),
  offset: optional(isCount),
  file: optional(file),
  index: optional(isCount),
};
const ofProcess: Shape<FieldsOf<'ready'>> = { process: text };

const SHAPES: { readonly [Name in LoggedEvent['event']]: Shape<FieldsOf<Name>> } = {
  run: {
    seed: isCount,
    slaMs: nanoseconds,
    partitions: isCount,
    processes: listOf(text),
    faults: tableOf(isCount),
    tells: optional(listOf(literal('completed', 'claim', 'trimmed'))),
    flowMsMin: optional(nanoseconds),
    faultKinds: optional(listOf(text)),
    faultsAtOnce: optional(isCount),
    isAudited: optional(flag),
  },
  phase: { phase },
  started: ofProcess,
  ready: ofProcess,
  ended: { process: text, exitCode: nullable(isCount) },
  fault: { ...fault, insteadOf: optional(isCount) },
  'fault-effective': fault,
  producer: {
    process: text,
    producer,
    workload: objectOf<WorkloadOptions>({
      seed: isCount,
      chunkerNumber: isCount,
      filesOpen: isCount,
      chunks: range,
      chunkBytes: range,
      partitions: isCount,
    }),
    fileCount: nullable(isCount),
  },
  ending: { producer, endStep: isCount },
  acknowledged: { producer, partition: isCount, through: isCount, stampNs: nanoseconds },
  completed: { producer, fileNumber: isCount, endIndex: isCount, intendedNs: nanoseconds },
  verified: { producer, fileNumber: isCount },
  drained: { process: text, producer, verifiedTotal: isCount, filesCompletedTotal: isCount },
  'verified-files': { producer, files: isCount },
  batch: {
    journal: text,
    begin: isCount,
    end: isCount,
    stampNs: nanoseconds,
    byteLength: isCount,
    fault: optional(text),
    producer: optional(producer),
    index: optional(isCount),
    count: optional(isCount),
    epoch: optional(isCount),
    files: optional(listOf(file)),
  },
  unread: { journal: text, from: isCount, to: isCount },
  trimmed: { journal: text, begin: isCount, needed: isCount },
  head: { journal: text, offset: isCount, begin: optional(isCount) },
  raised: place,
  confirmed: place,
  checkpoint: {
    process: text,
    shard: isCount,
    moment: literal('claim', 'restart', 'end'),
    offset: isCount,
    nextSum: isCount,
    nextIndexes: tableOf(isCount, producer),
    openFileCount: isCount,
    openFiles: optional(
      tableOf(objectOf<OpenFileState>({ lastSequence: isCount, bytes: isCount, digest: hexadecimal(64) }), file),
    ),
    unpublishedCount: isCount,
    unpublishedFiles: optional(listOf(file)),
  },
  violation,
  said: { process: text, said: isComponentEvent },
  up: {},
  flowed: { phase, seconds: nanoseconds, chunksPublished: isCount, sumsVerified: isCount },
  'faults-due': { count: isCount },
  'fault-refuted': fault,
  'fault-healed': fault,
  'fault-missed': fault,
  'fault-recovered': { ...fault, recoveredNs: optional(nanoseconds) },
  retired: { process: text, producer },
  failed: failure,
  crashed: failure,
  interrupted: { how: literal('drained', 'at once') },
  halted: {},
  'own-delay': { fromNs: nanoseconds, cpuNs: nanoseconds },
  unfollowed: { reason: text, leavesDoubt: flag },
  audited: { error: optional(text) },
  doubt: { reason: text, process: optional(text) },
  found: violation,
  end: { events: optional(isCount) },
};

const PLACE: Shape<{ n: number; atNs: number; cause?: Cause }> = {
  n: (value) => isCount(value) && value > 0,
  atNs: nanoseconds,
  cause: optional(
    objectOf<Cause>({
      kind: literal('message', 'timer', 'fault', 'start', 'signal'),
      process: optional(text),
      what: optional(text),
      from: optional(isCount),
    }),
  ),
};

/** Whether a parsed line is an event that can be used as it is. Fields that no event has do not matter. */
export function isLoggedEvent(value: unknown): value is LoggedEvent {
  const name = asRecord(value)?.['event'];
  if (!isEventName(name)) return false;
  return conforms(value, PLACE) && conforms<object>(value, SHAPES[name]);
}

function isEventName(name: unknown): name is LoggedEvent['event'] {
  return typeof name === 'string' && Object.hasOwn(SHAPES, name);
}
