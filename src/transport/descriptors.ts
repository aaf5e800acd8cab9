/**
 * Tests whether libzmq can have the open files that it is going to need, before libzmq is called: without a file it
 * aborts the process (4.3.5: `epoll_create1` for the first socket, `accept4` at an ipc endpoint).
 */

import { closeSync, openSync, readdirSync } from 'node:fs';
import { OperatingError } from '../core/errors.ts';

/** What the first socket of a process opens in addition: two pollers and three mailboxes, with room to spare. */
const CONTEXT_FILES = 12;
/**
 * One session of a client: its mailbox, two of its observer and the connection. Twice, because the old session closes
 * later.
 */
export const SESSION_FILES = 8;
/** For the store, the standard streams and files that a process opens for a moment. */
const SPARE_FILES = 32;
/** The needs of a client without a session. */
export const CLIENT_FILES: number = CONTEXT_FILES + SESSION_FILES + SPARE_FILES;

/**
 * The most connections that libzmq accepts before the event loop has heard of them: each is an event in the queue of
 * the socket's observer. The queue holds 1,000 events at either end, and libzmq waits when it is full.
 */
const UNHEARD_CONNECTIONS_MAX = 2_000;
/**
 * The most connections that a broker serves at one time. It exceeds the number of sessions (`SESSIONS_MAX`), because
 * for a moment a broken connection exists beside the one that replaces it.
 */
const CONNECTIONS_MAX = 1_536;
/**
 * A broker with room for fewer connections does not start. Twice as many may be accepted before it has heard of them.
 */
const CONNECTIONS_MIN = 64;

/**
 * How many connections a broker may serve with the files that the process can open now. Below 3,580 files it is a third
 * of them, so that a backlog that is accepted at once fits into the rest. Throws an OperatingError when there are too
 * few.
 */
export function connectionsWithin(purpose: string): number {
  const needed = CONTEXT_FILES + SPARE_FILES;
  const available = tryFiles(needed + CONNECTIONS_MAX + UNHEARD_CONNECTIONS_MAX) - needed;
  if (available >= CONNECTIONS_MAX + UNHEARD_CONNECTIONS_MAX) return CONNECTIONS_MAX;
  if (available < 3 * CONNECTIONS_MIN) requireFiles(needed + 3 * CONNECTIONS_MIN, purpose);
  return Math.floor(available / 3);
}

/** Throws an OperatingError of one line when the process may not open `count` more files. */
export function requireFiles(count: number, purpose: string): void {
  const available = tryFiles(count);
  if (available === count) return;
  const detail = `${purpose} needs ${count} more open files, and only ${available} are available`;
  throw new OperatingError('ERR_OPEN_FILES', `${detail}: raise the limit (ulimit -n)`);
}

/** Opens `count` files, or as many as the system allows, closes them again, and returns how many it opened. */
function tryFiles(count: number): number {
  const files: number[] = [];
  try {
    while (files.length < count) files.push(openSync('/dev/null', 'r'));
  } catch (error) {
    const { code } = error as { code?: string };
    if (code !== 'EMFILE' && code !== 'ENFILE') throw error;
  } finally {
    for (const file of files) closeSync(file);
  }
  return files.length;
}

/** The number of files that the process has open; `null` where the system does not say. */
export function openFiles(): number | null {
  try {
    return readdirSync('/proc/self/fd').length;
  } catch {
    return null;
  }
}
