import test, { type ExecutionContext } from 'ava';
import { ManualClock } from '../core/testing/manual-clock.ts';

import { JournalClient } from './client.ts';
import { chunkJournal } from './journals.ts';
import type { BrokerMessage } from './protocol.ts';
import { clockHash, withoutStamps } from './stamps.ts';
import { chunks } from './testing/broker-harness.ts';
import { FakeDialer } from './testing/fake-dialer.ts';

const JOURNAL = chunkJournal(0);
const OURS = 7;
/** The time at which the answers are read. */
const READ_NS = 3e6;

/** The stamps that an append, a call and a stream bring in a session with a broker whose clock has that hash. */
async function stampsSeen(t: ExecutionContext, clock: number): Promise<number[]> {
  const dialer = new FakeDialer();
  const client = new JournalClient({
    dialer,
    clock: new ManualClock(READ_NS),
    name: 'c',
    address: 'here',
    clockHash: OURS,
    newSession: () => 'session',
  });
  t.teardown(() => client.close());
  const { link } = dialer;
  link.answer({ t: 'opened', store: 'a-store', clock });
  const append = client.append(JOURNAL, chunks(0, 1));
  const [{ id } = { id: 0 }] = link.of('append');
  link.answer({ t: 'acks', acks: [{ id, outcome: { outcome: 'committed', begin: 0, end: 73, stampNs: 5e9 } }] });
  const expected = client.expected(JOURNAL, 'aa00000000000001');
  const call = link.of('call').at(-1);
  link.answer({ t: 'reply', id: call?.id ?? 0, result: { outcome: 'expected', n: 3, stampNs: 6e9 } });
  const stream = client.read(JOURNAL, 0, { creditBytes: 1_000 });
  const opened = link.of('read').at(-1)?.stream ?? 0;
  const bytes = Buffer.alloc(10);
  link.answer({ t: 'batches', stream: opened, batches: [[0, 10, 7e9]] }, { frames: [bytes] });
  link.answer({ t: 'part', stream: opened, batch: [10, 20, 8e9], at: 0 }, { frames: [bytes] });
  const answers = [await append, await expected, await stream.next(), await stream.next()];
  return answers.map((answer) => (answer !== null && 'stampNs' in answer ? answer.stampNs : Number.NaN));
}

test('stamps of a broker with the same clock are kept', async (t) => {
  t.deepEqual(await stampsSeen(t, OURS), [5e9, 6e9, 7e9, 8e9]);
});

test('with another clock an answer is stamped when it is read, and a batch that is read has no stamp', async (t) => {
  t.deepEqual(await stampsSeen(t, OURS + 1), [READ_NS, READ_NS, 0, 0]);
});

test('what is no message is left to whoever validates it', (t) => {
  for (const odd of [
    { t: 'acks', acks: [null, 3, { id: 1, outcome: null }, { id: 2, outcome: 'x' }] },
    { t: 'reply', id: 1, result: 'x' },
    { t: 'reply', id: 1, result: null },
    { t: 'pong', n: 3 },
  ]) {
    t.notThrows(() => withoutStamps(odd as unknown as BrokerMessage, 1));
  }
  const pong = { t: 'pong', n: 3 } as const;
  t.is(withoutStamps(pong, 1), pong);
});

test('one process has one clock', (t) => {
  t.is(clockHash(), clockHash());
});
