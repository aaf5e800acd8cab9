/**
 * As many producers as a journal may have: thousands of first batches. `broker-bounds.test.ts` tests the other bounds.
 */

import test from 'ava';
import { chunkJournal } from '../journals.ts';
import { BrokerHarness, MIB, chunks } from '../testing/broker-harness.ts';
import { PRODUCERS_MAX } from './state.ts';

const JOURNAL = chunkJournal(0);
/** The test takes about ten seconds of CPU time. */
const TIMEOUT_MS = 1_800_000;

function idOf(at: number): string {
  return (0x8000_0000 + at).toString(16).padEnd(16, '0');
}

test('a journal has so many producers, ended ones too; another is refused, and those that it has go on', async (t) => {
  t.timeout(TIMEOUT_MS);
  const partitions = 256;
  const harness = await BrokerHarness.start({ partitions, retentionBytes: partitions * MIB });
  const bound = PRODUCERS_MAX / partitions;
  for (let at = 0; at < bound; at += 1) harness.append(JOURNAL, chunks(0, 1, { producer: idOf(at) }));
  await harness.commitAll();
  harness.sent = [];
  const refusal = new RegExp(`has had ${bound} producers`);
  for (let life = 0; life < 2; life += 1) {
    t.regex(JSON.stringify(await harness.appended(JOURNAL, chunks(0, 1, { producer: idOf(bound) }))), refusal);
    t.regex(
      JSON.stringify(await harness.ask({ op: 'retire', journal: JOURNAL, producer: idOf(bound) })),
      new RegExp(`refused.*${refusal.source}`),
    );
    const known = chunks(life + 1, 1, { producer: idOf(0) });
    t.like(await harness.appended(JOURNAL, known), { outcome: 'committed' });
    t.like(await harness.ask({ op: 'retire', journal: JOURNAL, producer: idOf(7) }), { outcome: 'ended' });
    await harness.restart();
  }
  // Another journal has room of its own.
  const journal = chunkJournal(1);
  t.like(await harness.appended(journal, chunks(0, 1, { journal, producer: idOf(bound) })), { outcome: 'committed' });
});
