/**
 * The messages between a client and the embedded broker. The first frame is a JSON header; batches follow as separate
 * frames. Everything that arrives is validated here before anything else sees it.
 *
 * Every message of a client belongs to one session (its ZeroMQ routing id). Every message of the broker carries the
 * session and the broker's incarnation, so that a client recognises an old answer.
 *
 * Rule P-SESSION-2 of docs/protocol.md.
 */

import { asRecord, isCount } from '../core/assert.ts';
import { isProducerId } from '../message/batch.ts';
import type {
  AppendOutcome,
  ExpectedOutcome,
  Fenced,
  PinOutcome,
  JournalsInfo,
  ShardInfo,
  RaiseOutcome,
  ShardEpoch,
} from './journals.ts';
import type { Vouching, Witness } from './witness.ts';

export const PROTOCOL_VERSION = 2;
/** A client's header above this size is refused before it is parsed. */
export const HEADER_BYTES_MAX: number = 64 * 1024;
/** A header of the broker may be longer, because it may list all journals and shards with the paths of their stores. */
export const BROKER_HEADER_BYTES_MAX: number = 4 * 1024 * 1024;
/** Bounds of the part size that a client may ask for. */
const PART_BYTES_MIN = 1024;
const PART_BYTES_MAX: number = 64 * 1024 * 1024;
const NAME_LENGTH_MAX = 256;
const PATH_LENGTH_MAX = 4096;

export type Call =
  | { readonly op: 'expected'; readonly journal: string; readonly producer: string; readonly owner?: ShardEpoch }
  | { readonly op: 'head'; readonly journal: string }
  | { readonly op: 'list' }
  | { readonly op: 'vouch'; readonly witness: Witness }
  | {
      readonly op: 'raise';
      readonly shard: number;
      readonly path: string;
      readonly takeOver: boolean;
      readonly from: number;
    }
  | { readonly op: 'confirm'; readonly owner: ShardEpoch; readonly path: string }
  | { readonly op: 'report'; readonly owner: ShardEpoch; readonly offset: number }
  | { readonly op: 'hold'; readonly journal: string; readonly name: string }
  | {
      readonly op: 'move-hold';
      readonly journal: string;
      readonly name: string;
      readonly offset: number;
      readonly isLeaving?: boolean;
    }
  | { readonly op: 'release'; readonly journal: string; readonly name: string }
  | { readonly op: 'retire'; readonly journal: string; readonly producer: string };

/** On the wire, and in the broker's tables, a pin is called a hold, because older builds read and write that name. */
export type ListAnswer = Omit<JournalsInfo, 'shards'> & {
  readonly shards: readonly (Omit<ShardInfo, 'pin'> & { readonly hold: number })[];
};

/** The result of each call, by its `op`. `rejected` answers any call that can never succeed. */
export type CallResult = {
  expected: ExpectedOutcome;
  head: { readonly head: number };
  list: ListAnswer;
  raise: RaiseOutcome;
  vouch: { readonly outcome: Vouching };
  confirm: { readonly outcome: 'confirmed' } | Fenced;
  /** `beyond`: the journal ends at `head`, before the offset; nothing has moved. For a pin likewise. */
  report: { readonly outcome: 'reported' } | Beyond | Fenced;
  hold: PinOutcome;
  'move-hold': { readonly outcome: 'moved' | 'missing' } | Beyond;
  release: { readonly outcome: 'released' };
  retire: { readonly outcome: 'ended' };
};

type Beyond = { readonly outcome: 'beyond'; readonly head: number };

/**
 * How far a client has come in a stream, and how far the broker may send. Both are absolute, so repeating them is
 * harmless.
 */
export type Credit = { readonly stream: number; readonly taken: number; readonly through: number };

/**
 * A batch that travels in several messages: where the bytes of this message begin, and how many the batch has in all.
 */
export type Part = { readonly at: number; readonly of: number };

export type ClientMessage =
  /** `witness`: what earlier sessions were told. */
  | { readonly t: 'open'; readonly version: number; readonly client: string; readonly witness?: Witness }
  | {
      readonly t: 'ping';
      readonly n: number;
      /** Larger batches are to be sent in parts of this size. */
      readonly partBytes: number;
      readonly credits: readonly Credit[];
    }
  | {
      readonly t: 'append';
      readonly id: number;
      readonly journal: string;
      readonly owner?: ShardEpoch;
      /** Absent: the message has the whole batch. Otherwise the parts of one batch follow each other. */
      readonly part?: Part;
    }
  | {
      readonly t: 'read';
      readonly stream: number;
      readonly journal: string;
      readonly offset: number;
      readonly through: number;
      readonly owner?: ShardEpoch;
    }
  | { readonly t: 'credit'; readonly credits: readonly Credit[] }
  | { readonly t: 'cancel'; readonly stream: number }
  | { readonly t: 'call'; readonly id: number; readonly call: Call };

export type BrokerMessage =
  /** `clock`: the hash of the broker's clock domain, in which its stamps are comparable. */
  | { readonly t: 'opened'; readonly store: string; readonly clock: number }
  /** Instead of `opened`: the broker lacks something that the client was told is durable. */
  | { readonly t: 'lost'; readonly vouching: 'lost' | 'another' }
  | { readonly t: 'reopen' }
  /** The session cannot be opened now; a later one may be. */
  | { readonly t: 'busy'; readonly reason: string }
  /** Everything that the client had sent before the ping with this number has arrived. */
  | { readonly t: 'pong'; readonly n: number }
  | { readonly t: 'acks'; readonly acks: readonly { readonly id: number; readonly outcome: AppendOutcome }[] }
  | {
      readonly t: 'batches';
      readonly stream: number;
      readonly batches: readonly (readonly [begin: number, end: number, stampNs: number])[];
    }
  /** A part of one batch. Its parts follow each other, from the first byte to the last. */
  | {
      readonly t: 'part';
      readonly stream: number;
      readonly batch: readonly [begin: number, end: number, stampNs: number];
      readonly at: number;
    }
  | {
      readonly t: 'end';
      readonly stream: number;
      /** `missing`: no batch begins at the offset, which lies inside the journal or beyond its head. */
      readonly reason: 'trimmed' | 'fenced' | 'missing' | 'rejected';
      readonly begin: number;
      /** The shard's present epoch, when the stream is fenced. */
      readonly epoch?: number;
      readonly detail: string;
    }
  | { readonly t: 'reply'; readonly id: number; readonly result: unknown }
  | { readonly t: 'refused'; readonly id: number | null; readonly reason: string };

/**
 * Identifies an answer: the broker's incarnation, the session that it is for, and the number of the last commit of the
 * store that was durable when it was sent.
 */
export type Envelope = { readonly i: string; readonly s: string; readonly c: number };

export function encodeHeader(header: ClientMessage | (BrokerMessage & Envelope)): Buffer {
  return Buffer.from(JSON.stringify(header), 'utf8');
}

/** A client's message, or the reason why the bytes are not a message. */
export function decodeClientMessage(frame: Uint8Array | undefined): ClientMessage | { readonly invalid: string } {
  const header = parseHeader(frame, HEADER_BYTES_MAX);
  if (header === null) return { invalid: 'the header is not a JSON object' };
  switch (header['t']) {
    case 'open':
      return decodeOpen(header) ?? NO_MESSAGE;
    case 'ping': {
      const { n, partBytes } = header;
      const credits = decodeCredits(header['credits']);
      if (credits === null || !isCount(n) || !isPartBytes(partBytes)) break;
      return { t: 'ping', n, partBytes, credits };
    }
    case 'credit': {
      const credits = decodeCredits(header['credits']);
      if (credits === null) break;
      return { t: 'credit', credits };
    }
    case 'append': {
      const owner = decodeOwner(header['owner']);
      const part = decodePart(header['part']);
      if (!isCount(header['id']) || !isName(header['journal']) || owner === null || part === null) break;
      return { t: 'append', id: header['id'], journal: header['journal'], ...owner, ...part };
    }
    case 'read': {
      const { stream, journal, offset, through } = header;
      const owner = decodeOwner(header['owner']);
      if (!isCount(stream) || !isName(journal) || !isCount(offset) || !isCount(through) || owner === null) break;
      return { t: 'read', stream, journal, offset, through, ...owner };
    }
    case 'cancel':
      if (!isCount(header['stream'])) break;
      return { t: 'cancel', stream: header['stream'] };
    case 'call': {
      const call = decodeCall(asRecord(header['call']));
      if (!isCount(header['id']) || call === null) break;
      return { t: 'call', id: header['id'], call };
    }
    default:
  }
  return NO_MESSAGE;
}

const NO_MESSAGE = { invalid: 'the header is not a message of this protocol' };

function decodeOpen({ version, client, witness }: Record<string, unknown>): ClientMessage | null {
  if (!isCount(version) || !isName(client)) return null;
  if (witness === undefined) return { t: 'open', version, client };
  const decoded = decodeWitness(witness);
  return decoded === null ? null : { t: 'open', version, client, witness: decoded };
}

function decodeWitness(value: unknown): Witness | null {
  const { store, incarnation, commit } = asRecord(value) ?? {};
  return isName(store) && isName(incarnation) && isCount(commit) ? { store, incarnation, commit } : null;
}

/** A broker's message with its envelope; `null` when the bytes are not a message. The caller checks its results. */
export function decodeBrokerMessage(frame: Uint8Array | undefined): (BrokerMessage & Envelope) | null {
  const header = parseHeader(frame, BROKER_HEADER_BYTES_MAX);
  if (header === null || typeof header['i'] !== 'string' || typeof header['s'] !== 'string') return null;
  if (!isCount(header['c'])) return null;
  switch (header['t']) {
    case 'opened':
      if (typeof header['store'] !== 'string' || !isCount(header['clock'])) return null;
      break;
    case 'lost':
      if (header['vouching'] !== 'lost' && header['vouching'] !== 'another') return null;
      break;
    case 'reopen':
      break;
    case 'busy':
      if (typeof header['reason'] !== 'string') return null;
      break;
    case 'pong':
      if (!isCount(header['n'])) return null;
      break;
    case 'part': {
      const { stream, batch, at } = header;
      if (!isCount(stream) || !isCount(at) || !Array.isArray(batch) || !isCount(batch[0]) || !isCount(batch[1]))
        return null;
      break;
    }
    case 'acks':
      if (!Array.isArray(header['acks'])) return null;
      break;
    case 'batches':
      if (!isCount(header['stream']) || !Array.isArray(header['batches'])) return null;
      if (!header['batches'].every(isSpan)) return null;
      break;
    case 'end':
      if (!isCount(header['stream']) || !isCount(header['begin'])) return null;
      if (header['reason'] === 'fenced' && !isCount(header['epoch'])) return null;
      if (typeof header['reason'] !== 'string' || typeof header['detail'] !== 'string') return null;
      break;
    case 'reply':
      if (!isCount(header['id'])) return null;
      break;
    case 'refused':
      if (typeof header['reason'] !== 'string') return null;
      break;
    default:
      return null;
  }
  return header as unknown as BrokerMessage & Envelope;
}

/** Begin, end and stamp of a batch. */
function isSpan(value: unknown): boolean {
  if (!Array.isArray(value)) return false;
  const [begin, end, stampNs] = value as unknown[];
  return isCount(begin) && isCount(end) && typeof stampNs === 'number' && stampNs >= 0;
}

function parseHeader(frame: Uint8Array | undefined, bytesMax: number): Record<string, unknown> | null {
  if (frame === undefined || frame.length > bytesMax) return null;
  try {
    return asRecord(JSON.parse(Buffer.from(frame.buffer, frame.byteOffset, frame.length).toString('utf8')));
  } catch {
    return null;
  }
}

function decodeCall(call: Record<string, unknown> | null): Call | null {
  if (call === null) return null;
  const { op, journal, name, producer, shard, path, offset, takeOver, from } = call;
  const owner = decodeOwner(call['owner']);
  if (owner === null) return null;
  switch (op) {
    case 'list':
      return { op };
    case 'vouch': {
      const witness = decodeWitness(call['witness']);
      return witness === null ? null : { op, witness };
    }
    case 'head':
      return isName(journal) ? { op, journal } : null;
    case 'expected':
      return isName(journal) && isProducerId(producer) ? { op, journal, producer, ...owner } : null;
    case 'retire':
      return isName(journal) && isProducerId(producer) ? { op, journal, producer } : null;
    case 'hold':
    case 'release':
      return isName(journal) && isName(name) ? { op, journal, name } : null;
    case 'move-hold':
      if (!isName(journal) || !isName(name) || !isCount(offset)) return null;
      if (call['isLeaving'] === undefined) return { op, journal, name, offset };
      return call['isLeaving'] === true ? { op, journal, name, offset, isLeaving: true } : null;
    case 'raise':
      if (!isCount(shard) || !isPath(path) || typeof takeOver !== 'boolean' || !isCount(from)) return null;
      return { op, shard, path, takeOver, from };
    case 'confirm':
      return owner.owner !== undefined && isPath(path) ? { op, owner: owner.owner, path } : null;
    case 'report':
      return owner.owner !== undefined && isCount(offset) ? { op, owner: owner.owner, offset } : null;
    default:
      return null;
  }
}

/** `{}` when absent, `null` when the value is not an owner. */
function decodeOwner(value: unknown): { owner?: ShardEpoch } | null {
  if (value === undefined) return {};
  const owner = asRecord(value);
  if (owner === null || !isCount(owner['shard']) || !isCount(owner['epoch'])) return null;
  return { owner: { shard: owner['shard'], epoch: owner['epoch'] } };
}

/** `{}` when absent, `null` when the value is not a part. */
function decodePart(value: unknown): { part?: Part } | null {
  if (value === undefined) return {};
  const part = asRecord(value);
  if (part === null || !isCount(part['at']) || !isCount(part['of'])) return null;
  return { part: { at: part['at'], of: part['of'] } };
}

function isPartBytes(value: unknown): value is number {
  return isCount(value) && value >= PART_BYTES_MIN && value <= PART_BYTES_MAX;
}

function decodeCredits(value: unknown): Credit[] | null {
  if (!Array.isArray(value)) return null;
  const credits: Credit[] = [];
  for (const item of value) {
    const credit = asRecord(item);
    if (credit === null || !isCount(credit['stream']) || !isCount(credit['taken']) || !isCount(credit['through']))
      return null;
    credits.push({ stream: credit['stream'], taken: credit['taken'], through: credit['through'] });
  }
  return credits;
}

function isName(value: unknown): value is string {
  return typeof value === 'string' && value.length > 0 && value.length <= NAME_LENGTH_MAX;
}

function isPath(value: unknown): value is string {
  return typeof value === 'string' && value.length > 0 && value.length <= PATH_LENGTH_MAX;
}
