/**
 * Open files that libzmq is going to need, tried before it is called: it aborts the process where it cannot have one
 * (4.3.5: `epoll_create1` when the first socket is made, `accept4` at an ipc endpoint).
 */

import { closeSync, openSync, readdirSync } from 'node:fs';
import { OperatingError } from '../core/errors.ts';

/** What the first socket of a process opens besides its own: two pollers and three mailboxes; with room to spare. */
const CONTEXT_FILES = 12;
/** One session of a client: its mailbox, two of its observer and the connection; twice, as the old one closes later. */
export const SESSION_FILES = 8;
/** For the store, the standard streams and what a process opens for a moment. */
const SPARE_FILES = 32;
/** What a client needs that has no session yet. */
export const CLIENT_FILES: number = CONTEXT_FILES + SESSION_FILES + SPARE_FILES;

/**
 * Connections that libzmq accepts at most before the event loop has heard of them: each is an event in the queue of the
 * socket's observer, which holds 1,000 at either end, and libzmq waits when it is full.
 */
const UNHEARD_CONNECTIONS_MAX = 2_000;
/**
 * Connections that a broker serves at one time: more than it has sessions (`SESSIONS_MAX`), because a connection that
 * breaks is there for a moment beside the one that replaces it.
 */
const CONNECTIONS_MAX = 1_536;
/**
 * A broker with room for fewer connections does not start. Twice as many may be accepted before it has heard of them.
 */
const CONNECTIONS_MIN = 64;

/**
 * How many connections a broker may serve with the files that the process can open now. With fewer than 3,580 the
 * third part of them, so that a backlog which is accepted at once fits into the rest. Throws an OperatingError when
 * there are too few.
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
  const detail = `${purpose} needs ${count} more open files, but only ${available} can be had`;
  throw new OperatingError('ERR_OPEN_FILES', `${detail}: raise the limit (ulimit -n)`);
}

/** Opens so many files, or as many as can be had, and closes them again. */
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

/** Files that the process has open; `null` where the system does not tell. */
export function openFiles(): number | null {
  try {
    return readdirSync('/proc/self/fd').length;
  } catch {
    return null;
  }
}
