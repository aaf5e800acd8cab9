/**
 * The one place that says what an answer of a broker or of etcd means: every status of Gazette's protocol and every
 * code of gRPC.
 */

import { OperatingError, UsageError } from '../../core/errors.ts';

/** Statuses of Gazette's protocol, by number. */
export const STATUS = {
  OK: 0,
  JOURNAL_NOT_FOUND: 1,
  NO_JOURNAL_PRIMARY_BROKER: 2,
  NOT_JOURNAL_PRIMARY_BROKER: 3,
  INSUFFICIENT_JOURNAL_BROKERS: 4,
  NOT_JOURNAL_BROKER: 5,
  OFFSET_NOT_YET_AVAILABLE: 6,
  WRONG_ROUTE: 7,
  PROPOSAL_MISMATCH: 8,
  ETCD_TRANSACTION_FAILED: 9,
  NOT_ALLOWED: 10,
  WRONG_APPEND_OFFSET: 11,
  INDEX_HAS_GREATER_OFFSET: 12,
  REGISTER_MISMATCH: 13,
  SUSPENDED: 14,
  FRAGMENT_STORE_UNHEALTHY: 15,
} as const;

/**
 * What became of a request.
 *
 * - `done`: it was carried out.
 * - `later`: it was not carried out, and may be later: brokers change, or a journal has too few of them.
 * - `unknown`: it may have been carried out, or half of it.
 * - `mismatch`: it was not carried out, because the registers of the journal are not as it asked.
 * - `moved`: it was not carried out, because the journal does not end where it asked to append.
 * - `lost`: it was not carried out, because the brokers hold less of the journal than its fragments prove.
 * - `missing`: the journal does not exist. `rejected`: it can never succeed.
 */
export type Meaning = 'done' | 'later' | 'unknown' | 'mismatch' | 'moved' | 'lost' | 'missing' | 'rejected';

const MEANINGS: Readonly<Record<keyof typeof STATUS, Meaning>> = {
  OK: 'done',
  JOURNAL_NOT_FOUND: 'missing',
  NO_JOURNAL_PRIMARY_BROKER: 'later',
  NOT_JOURNAL_PRIMARY_BROKER: 'later',
  INSUFFICIENT_JOURNAL_BROKERS: 'later',
  NOT_JOURNAL_BROKER: 'later',
  OFFSET_NOT_YET_AVAILABLE: 'later',
  WRONG_ROUTE: 'later',
  // A replica saw another proposal than the primary's: the transaction had begun.
  PROPOSAL_MISMATCH: 'unknown',
  ETCD_TRANSACTION_FAILED: 'later',
  NOT_ALLOWED: 'rejected',
  // Only an append that names its offset is answered so.
  WRONG_APPEND_OFFSET: 'moved',
  INDEX_HAS_GREATER_OFFSET: 'lost',
  REGISTER_MISMATCH: 'mismatch',
  SUSPENDED: 'later',
  FRAGMENT_STORE_UNHEALTHY: 'later',
};

/** Codes of gRPC after which the request was never carried out, and never will be. All others leave it unknown. */
const REJECTING: Readonly<Record<number, string>> = {
  3: 'INVALID_ARGUMENT',
  7: 'PERMISSION_DENIED',
  // A message is too large, or etcd has no room left for its database.
  8: 'RESOURCE_EXHAUSTED',
  12: 'UNIMPLEMENTED',
  16: 'UNAUTHENTICATED',
};

const UNKNOWN = 2;
const DEADLINE_EXCEEDED = 4;
const UNAVAILABLE = 14;
/**
 * Words beside RESOURCE_EXHAUSTED that pass. The first ones are etcd's when it is busy, the others those of the gRPC
 * library when a server has ended a connection because of its pings, which come more rarely then.
 */
const PASSING = ['too many requests', 'Bandwidth exhausted or memory limit exceeded'];

export function statusName(status: number): string {
  return Object.entries(STATUS).find(([, value]) => value === status)?.[0] ?? `status ${status}`;
}

/** A status that this build does not know leaves it unknown whether the request was carried out. */
export function meaningOfStatus(status: number): Meaning {
  const name = Object.entries(STATUS).find(([, value]) => value === status)?.[0];
  return name === undefined ? 'unknown' : MEANINGS[name as keyof typeof STATUS];
}

/** Of an error that the gRPC library threw. Anything else is no answer, and is thrown on. */
export function meaningOfError(error: unknown): Extract<Meaning, 'unknown' | 'rejected'> {
  const code = (error as { code?: unknown } | null)?.code;
  if (typeof code !== 'number') throw error;
  return Object.hasOwn(REJECTING, code) && !isPassing(error) ? 'rejected' : 'unknown';
}

function isPassing(error: unknown): boolean {
  return PASSING.some((words) => wordsOf(error).includes(words));
}

/**
 * Whether it is how a broker refuses what is not valid (code 2). An append may end so too when a connection between
 * brokers is lost.
 */
export function isRefusal(error: unknown): boolean {
  return (error as { code?: unknown } | null)?.code === UNKNOWN;
}

/** Whether a call ended because its time was over: a read that waits for more is opened again. */
export function isDeadline(error: unknown): boolean {
  return (error as { code?: unknown } | null)?.code === DEADLINE_EXCEEDED;
}

/** Whether the member that was asked is away, or what it asks in its turn: another one may answer. */
export function isAway(error: unknown): boolean {
  return isDeadline(error) || (error as { code?: unknown } | null)?.code === UNAVAILABLE;
}

/** The error's own words. */
export function wordsOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** Of a request to a journal that does not exist. */
export function missingJournal(name: string): UsageError {
  return new UsageError(
    `the cluster has no journal ${name}: make the journals, as \`npm run cluster -- up\` does, or name their prefix`,
  );
}

export function rejectedError(what: string, why: string): OperatingError {
  return new OperatingError('ERR_GAZETTE_REJECTED', `the cluster rejects ${what}: ${why}`);
}
