/** A client over a fake dialer and a clock that the test moves. */

import type { ExecutionContext } from 'ava';
import { ManualClock } from '../../core/testing/manual-clock.ts';
import { JournalClient } from '../client.ts';
import { type AppendOutcome, chunkJournal } from '../journals.ts';
import { FakeDialer } from './fake-dialer.ts';

export const JOURNAL: string = chunkJournal(0);
/** The clock domain of the client and, unless a test says otherwise, of its broker. */
export const CLOCK = 7;

export type Scene = { client: JournalClient; dialer: FakeDialer; clock: ManualClock; lost: string[] };

/** A client whose session is not open yet. */
export function begin(t: ExecutionContext): Scene {
  const dialer = new FakeDialer();
  const clock = new ManualClock();
  const lost: string[] = [];
  let sessions = 0;
  const newSession = (): string => {
    sessions += 1;
    return `session-${sessions}`;
  };
  const client = new JournalClient({
    dialer,
    clock,
    name: 'c',
    address: 'here',
    clockHash: CLOCK,
    newSession,
    onSessionLost: (why) => lost.push(why),
  });
  t.teardown(() => client.close());
  return { client, dialer, clock, lost };
}

/** A client with an open session. */
export function opened(t: ExecutionContext): Scene {
  const scene = begin(t);
  scene.dialer.link.answer({ t: 'opened', store: 'a-store', clock: CLOCK });
  return scene;
}

/** Answers the last ping. */
export function pong({ link }: FakeDialer): void {
  link.answer({ t: 'pong', n: link.of('ping').at(-1)?.n ?? 0 });
}

/** The value to which the promise has resolved by now. */
export async function settledValue<T>(promise: Promise<T>): Promise<T | 'waits'> {
  await new Promise(setImmediate);
  return Promise.race([promise, Promise.resolve('waits' as const)]);
}

export const COMMITTED: AppendOutcome = { outcome: 'committed', begin: 0, end: 73, stampNs: 1 };
