/** Requests that tests of the broker make over and over. */

import { chunkJournal } from '../journals.ts';
import type { ListAnswer } from '../protocol.ts';
import { BrokerHarness, chunks } from './broker-harness.ts';

const JOURNAL = chunkJournal(0);

export async function raised(
  harness: BrokerHarness,
  shard = 0,
  path = '/one',
): Promise<{ shard: number; epoch: number }> {
  const { shards } = await listed(harness);
  const from = shards[shard]?.epoch ?? 0;
  const answer = (await harness.ask({ op: 'raise', shard, path, takeOver: true, from })) as { epoch: number };
  return { shard, epoch: answer.epoch };
}

export async function confirmed(
  harness: BrokerHarness,
  shard = 0,
  path = '/one',
): Promise<{ shard: number; epoch: number }> {
  const owner = await raised(harness, shard, path);
  await harness.ask({ op: 'confirm', owner, path });
  return owner;
}

/** Fills a journal with batches of this size until it refuses; returns how many it accepted. */
export async function fill(harness: BrokerHarness, batchBytes: number, journal: string = JOURNAL): Promise<number> {
  for (let index = 0; ; index += 1) {
    const dataBytes = batchBytes - 48 - 24;
    const outcome = await harness.appended(journal, chunks(index, 1, { dataBytes, journal }));
    if (outcome?.outcome === 'refused') return index;
    if (outcome?.outcome !== 'committed') throw new Error(JSON.stringify(outcome));
  }
}

export async function listed(harness: BrokerHarness): Promise<ListAnswer> {
  return (await harness.ask({ op: 'list' })) as ListAnswer;
}

export async function beginOf(harness: BrokerHarness, journal: string): Promise<number | undefined> {
  return (await listed(harness)).journals.find(({ name }) => name === journal)?.begin;
}
