/**
 * The protocol between a supervisor and the components that it runs: one JSON object a line. Events come on a
 * descriptor of the child that nothing else writes to, commands go to its stdin. When the parent dies, stdin closes and
 * the child exits at once, so no process outlives a run.
 *
 * Every line is validated before it is used: required fields, their types and ranges. Unknown fields are dropped. Times
 * are CLOCK_MONOTONIC nanoseconds (`systemClock.nowNs()`), comparable between processes. The events ready, violation,
 * drained and stopped are also printed for a person who runs a component by hand; the others only under `--supervised`.
 */

import { asRecord, isCount } from '../core/assert.ts';
import { OperatingError, VIOLATION_KINDS, type ViolationKind, type ViolationWitness } from '../core/errors.ts';
import {
  type Check,
  type Shape,
  conforms,
  counts,
  flag,
  hexadecimal,
  literal,
  nanoseconds,
  nullable,
  optional,
  refusedField,
  text,
} from '../core/shape.ts';

export type Component = 'broker' | 'summer' | 'chunker';

/**
 * The descriptor on which a component sends events to a supervisor of this program. Any code that is loaded into the
 * process may print on stdout. With `--supervised` alone, without a descriptor, events go to stdout all the same.
 */
export const PROTOCOL_DESCRIPTOR = 3;

/** The component serves: its resources are open, and it owns what it is to own. */
export type BrokerReady = {
  readonly event: 'ready';
  readonly component: 'broker';
  readonly pid: number;
  readonly endpoint: string;
  /** A new value at every start of a broker. */
  readonly incarnation: string;
};
export type SummerReady = {
  readonly event: 'ready';
  readonly component: 'summer';
  readonly pid: number;
  /** The partitions that this process owns now. */
  readonly shards: readonly number[];
  /** The epochs that this process has raised, in the order of `shards`. */
  readonly epochs: readonly number[];
};
export type ChunkerReady = {
  readonly event: 'ready';
  readonly component: 'chunker';
  readonly pid: number;
  /** Producer id, 16 hexadecimal digits. */
  readonly producer: string;
  readonly chunkerNumber: number;
  /** Whether it continues a producer that an earlier process began. */
  readonly resumed: boolean;
  /** Files of this producer that were durably verified before this process started. */
  readonly verifiedTotal: number;
};

/**
 * Counts are cumulative since this process started unless the field says otherwise. Chunks are data chunks: neither the
 * chunker nor the summer counts the record that ends a file.
 */
export type BrokerProgress = {
  readonly event: 'progress';
  readonly component: 'broker';
  readonly commits: number;
  readonly appends: number;
  readonly bytesAppended: number;
  /** Gauge: bytes of the store on disk. */
  readonly diskBytes: number;
  /** Gauge: bytes in journals that are not trimmed. */
  readonly journalBytes: number;
  /** The longest delay of the event loop since the previous progress event. */
  readonly eventLoopLagNsMax?: number;
  /** Gauge: the JavaScript heap that is in use, garbage included. */
  readonly heapBytes?: number;
};
export type SummerProgress = {
  readonly event: 'progress';
  readonly component: 'summer';
  readonly chunksFolded: number;
  readonly bytesFolded: number;
  readonly commits: number;
  /** Gauge. */
  readonly filesOpen: number;
  /** Sums that the sums journal acknowledged. */
  readonly sumsPublished: number;
  readonly eventLoopLagNsMax?: number;
  readonly heapBytes?: number;
};
export type ChunkerProgress = {
  readonly event: 'progress';
  readonly component: 'chunker';
  /** Published and acknowledged. */
  readonly chunks: number;
  readonly bytes: number;
  readonly filesCompleted: number;
  readonly sumsVerified: number;
  /** Data chunks and bytes of the files counted by `sumsVerified`. */
  readonly chunksVerified: number;
  readonly bytesVerified: number;
  /** Gauge. */
  readonly filesOpen: number;
  /** Gauge: files completed and not yet verified. */
  readonly sumsOutstanding: number;
  /** How late the generator was against its schedule since the previous progress event. */
  readonly scheduleLagNsP99: number;
  /** The lateness of every record, encoded as `latency` is; null when nothing was due. */
  readonly scheduleLag?: string | null;
  /** Durable, over the whole life of this producer. */
  readonly verifiedTotal: number;
  /**
   * Nanoseconds from the intended send time of a file's end until its verified sum was read, since the previous
   * progress event: HdrHistogram V2 compressed, base64; null when nothing was recorded.
   */
  readonly latency: string | null;
  /** Nanoseconds from the send of a chunk batch to its acknowledgement, in the same encoding. */
  readonly acknowledgement: string | null;
  /** By partition: the index below which all records are known to be durable, the end record included. */
  readonly acknowledged?: readonly number[];
  /** Gauge: batches that were sent and are not yet acknowledged. */
  readonly batchesUnderWay?: number;
  readonly eventLoopLagNsMax?: number;
  readonly heapBytes?: number;
};

/** An answer to a `watch`: the first verified sum of a partition whose end was intended after `sinceNs`. */
export type RecoveredEvent = {
  readonly event: 'recovered';
  readonly fault: number;
  readonly partition: number;
  readonly intendedNs: number;
  readonly verifiedNs: number;
};
/** A guarantee broke; the process exits 10 right after. */
export type ViolationEvent = {
  readonly event: 'violation';
  readonly kind: ViolationKind;
  readonly detail: string;
} & ViolationWitness;
/**
 * A chunker's decision to end is durable: from this step on its generator opens no file. The event is sent before any
 * message that depends on the decision, and again by each process that continues the producer.
 */
export type EndingEvent = { readonly event: 'ending'; readonly endStep: number };
/** A chunker is done: every file verified, end records acknowledged, pin released; it exits 0 right after. */
export type DrainedEvent = {
  readonly event: 'drained';
  /** Both counts are over the whole life of the producer. */
  readonly verifiedTotal: number;
  readonly filesCompletedTotal: number;
};
/**
 * A graceful end (SIGTERM). The process exits right after: 0, or 3 when work that was asked for by number is not done.
 */
export type StoppedEvent = { readonly event: 'stopped'; readonly reason: string };

export type ReadyEvent = BrokerReady | SummerReady | ChunkerReady;
export type ProgressEvent = BrokerProgress | SummerProgress | ChunkerProgress;
export type ComponentEvent =
  | ReadyEvent
  | ProgressEvent
  | RecoveredEvent
  | ViolationEvent
  | EndingEvent
  | DrainedEvent
  | StoppedEvent;

/**
 * A chunker ends its generation, finishes its open files, waits until all are verified, sends `drained`, and exits 0.
 */
export type DrainCommand = { readonly command: 'drain' };
/** Asks for progress at once. */
export type ProgressCommand = { readonly command: 'progress' };
/**
 * A chunker answers with `recovered`, once for each of the partitions. With `partitions: null` it answers once, for any
 * partition.
 */
export type WatchCommand = {
  readonly command: 'watch';
  readonly fault: number;
  readonly sinceNs: number;
  readonly partitions: readonly number[] | null;
};
export type ComponentCommand = DrainCommand | ProgressCommand | WatchCommand;

/** The longest line in UTF-16 units; a full histogram needs some 30 KiB. */
export const LINE_LENGTH_MAX: number = 1024 * 1024;

const READY: { readonly [Name in Component]: Shape<Extract<ReadyEvent, { component: Name }>> } = {
  broker: { event: literal('ready'), component: literal('broker'), pid: isCount, endpoint: text, incarnation: text },
  summer: { event: literal('ready'), component: literal('summer'), pid: isCount, shards: counts, epochs: counts },
  chunker: {
    event: literal('ready'),
    component: literal('chunker'),
    pid: isCount,
    producer: hexadecimal(16),
    chunkerNumber: isCount,
    resumed: flag,
    verifiedTotal: isCount,
  },
};
const PROGRESS: { readonly [Name in Component]: Shape<Extract<ProgressEvent, { component: Name }>> } = {
  broker: {
    event: literal('progress'),
    component: literal('broker'),
    commits: isCount,
    appends: isCount,
    bytesAppended: isCount,
    diskBytes: isCount,
    journalBytes: isCount,
    eventLoopLagNsMax: optional(nanoseconds),
    heapBytes: optional(isCount),
  },
  summer: {
    event: literal('progress'),
    component: literal('summer'),
    chunksFolded: isCount,
    bytesFolded: isCount,
    commits: isCount,
    filesOpen: isCount,
    sumsPublished: isCount,
    eventLoopLagNsMax: optional(nanoseconds),
    heapBytes: optional(isCount),
  },
  chunker: {
    event: literal('progress'),
    component: literal('chunker'),
    chunks: isCount,
    bytes: isCount,
    filesCompleted: isCount,
    sumsVerified: isCount,
    chunksVerified: isCount,
    bytesVerified: isCount,
    filesOpen: isCount,
    sumsOutstanding: isCount,
    scheduleLagNsP99: nanoseconds,
    scheduleLag: optional(nullable(text)),
    verifiedTotal: isCount,
    latency: nullable(text),
    acknowledgement: nullable(text),
    acknowledged: optional(counts),
    batchesUnderWay: optional(isCount),
    eventLoopLagNsMax: optional(nanoseconds),
    heapBytes: optional(isCount),
  },
};
const RECOVERED: Shape<RecoveredEvent> = {
  event: literal('recovered'),
  fault: isCount,
  partition: isCount,
  intendedNs: nanoseconds,
  verifiedNs: nanoseconds,
};
const VIOLATION: Shape<ViolationEvent> = {
  event: literal('violation'),
  kind: literal(...VIOLATION_KINDS),
  detail: text,
  journal: optional(text),
  offset: optional(isCount),
  file: optional(hexadecimal(32)),
  index: optional(isCount),
};
const ENDING: Shape<EndingEvent> = { event: literal('ending'), endStep: isCount };
const DRAINED: Shape<DrainedEvent> = {
  event: literal('drained'),
  verifiedTotal: isCount,
  filesCompletedTotal: isCount,
};
const STOPPED: Shape<StoppedEvent> = { event: literal('stopped'), reason: text };
const OTHERS: Readonly<Record<string, Readonly<Record<string, Check>>>> = {
  recovered: RECOVERED,
  violation: VIOLATION,
  ending: ENDING,
  drained: DRAINED,
  stopped: STOPPED,
};
const DRAIN: Shape<DrainCommand> = { command: literal('drain') };
const REPORT: Shape<ProgressCommand> = { command: literal('progress') };
const WATCH: Shape<WatchCommand> = {
  command: literal('watch'),
  fault: isCount,
  sinceNs: nanoseconds,
  partitions: nullable(counts),
};

/** The error of a line that does not follow this protocol; the message shows how the line begins. */
export function malformed(line: string, what: string, cause?: unknown): OperatingError {
  const shown = line.length > 200 ? `${line.slice(0, 200)}...` : line;
  return new OperatingError('ERR_PROTOCOL_LINE', `malformed protocol line (${what}): ${shown}`, { cause });
}

function parseObject(line: string): Record<string, unknown> {
  if (line.length > LINE_LENGTH_MAX) throw malformed(line, 'too long');
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch (cause) {
    throw malformed(line, 'no JSON', cause);
  }
  const fields = asRecord(value);
  if (fields === null) throw malformed(line, 'no object');
  return fields;
}

/** A copy of the fields that `shape` names, each checked. */
function pick<T>(line: string, fields: Record<string, unknown>, shape: Shape<T>): T {
  const picked: Record<string, unknown> = Object.create(null);
  for (const name of Object.keys(shape)) if (Object.hasOwn(fields, name)) picked[name] = fields[name];
  const value: unknown = { ...picked };
  if (!conforms(value, shape)) throw malformed(line, `field ${refusedField(picked, shape)}`);
  return value;
}

function isComponent(value: unknown): value is Component {
  return value === 'broker' || value === 'summer' || value === 'chunker';
}

/** Whether the value is an event of a component. Fields that no event has do not matter. */
export function isComponentEvent(value: unknown): value is ComponentEvent {
  const fields = asRecord(value);
  const shape = fields === null ? null : shapeOf(fields);
  return shape !== null && conforms<object>(value, shape);
}

/** Null: no event has that name. */
function shapeOf({ event, component }: Readonly<Record<string, unknown>>): Readonly<Record<string, Check>> | null {
  if (event === 'ready') return isComponent(component) ? READY[component] : null;
  if (event === 'progress') return isComponent(component) ? PROGRESS[component] : null;
  return typeof event === 'string' && Object.hasOwn(OTHERS, event) ? (OTHERS[event] ?? null) : null;
}

/** One line without its line feed. Throws OperatingError ERR_PROTOCOL_LINE. */
export function decodeEvent(line: string): ComponentEvent {
  const fields = parseObject(line);
  const component = fields['component'];
  switch (fields['event']) {
    case 'ready':
      if (!isComponent(component)) throw malformed(line, 'field component');
      return pick<ReadyEvent>(line, fields, READY[component]);
    case 'progress':
      if (!isComponent(component)) throw malformed(line, 'field component');
      return pick<ProgressEvent>(line, fields, PROGRESS[component]);
    case 'recovered':
      return pick(line, fields, RECOVERED);
    case 'violation':
      return pick(line, fields, VIOLATION);
    case 'ending':
      return pick(line, fields, ENDING);
    case 'drained':
      return pick(line, fields, DRAINED);
    case 'stopped':
      return pick(line, fields, STOPPED);
    default:
      throw malformed(line, 'field event');
  }
}

/** One line without its line feed. Throws OperatingError ERR_PROTOCOL_LINE. */
export function decodeCommand(line: string): ComponentCommand {
  const fields = parseObject(line);
  switch (fields['command']) {
    case 'drain':
      return pick(line, fields, DRAIN);
    case 'progress':
      return pick(line, fields, REPORT);
    case 'watch':
      return pick(line, fields, WATCH);
    default:
      throw malformed(line, 'field command');
  }
}

/** One line with its line feed. */
export function encodeEvent(event: ComponentEvent): string {
  return `${JSON.stringify(event)}\n`;
}

/** One line with its line feed. */
export function encodeCommand(command: ComponentCommand): string {
  return `${JSON.stringify(command)}\n`;
}
