/** Shards that are committed together: a newer owner of one of them takes nothing from the others. */

import test from 'ava';
import { ManualClock, settled } from '../core/testing/manual-clock.ts';
import { GazetteJournals } from '../journal/gazette/gazette-journals.ts';
import { FakeCluster } from '../journal/gazette/testing/fake-cluster.ts';
import { chunkJournal, stateJournal } from '../journal/journals.ts';
import { keyOf } from '../store/row.ts';
import type { Write } from '../store/store.ts';
import { MemoryStore } from '../store/testing/memory-store.ts';
import { claimShard } from './claim.ts';
import { ReplicatedStore } from './replicated-store.ts';

const SHARDS = [0, 1];

type Owner = { readonly store: MemoryStore; readonly replicated: ReplicatedStore };

function noOther(): Promise<never> {
  return Promise.reject(new Error('no other store is read'));
}

function writesOf(text: string): Write[] {
  return SHARDS.map((shard) => ({ table: 'states', key: keyOf(shard, 1), value: Buffer.from(text) }));
}

function rowsOf({ store }: Owner): (string | undefined)[] {
  return SHARDS.map((shard) => store.get('states', keyOf(shard, 1))?.toString());
}

test('a transaction whose entry one log refuses is committed for the other shards', async (t) => {
  const clock = new ManualClock();
  const names = SHARDS.flatMap((shard) => [`p/${chunkJournal(shard)}`, `p/${stateJournal(shard)}`]);
  const cluster = new FakeCluster(clock, [...names, 'p/sums']);
  const claim = async (path: string, shards: readonly number[]): Promise<Owner> => {
    const journals = new GazetteJournals(cluster, { clock, address: 'gazette+http://fake:8080/p', prefix: 'p/' });
    const store = new MemoryStore(path);
    const replicated = new ReplicatedStore(store);
    for (const shard of shards) {
      const options = { journals, store, replicated, readOther: noOther, lookAt: noOther, takeOver: true };
      t.is((await settled(clock, claimShard(shard, options))).outcome, 'owned');
    }
    return { store, replicated };
  };
  const first = await claim('/a', SHARDS);
  const lost: number[] = [];
  first.replicated.onFenced = (shard) => void lost.push(shard);
  await settled(clock, first.replicated.commit(writesOf('one')));
  const second = await claim('/b', [0]);
  // The answer of the other shard is lost, too, and it is refused once.
  let tries = 0;
  cluster.fateOf = ({ request, parts }) => {
    if (parts.length === 0 || request.journal !== `p/${stateJournal(1)}`) return 'done';
    tries += 1;
    return tries === 1 ? 4 : tries === 2 ? 'unanswered' : 'done';
  };
  await settled(clock, first.replicated.commit(writesOf('two')));
  t.deepEqual(lost, [0]);
  t.is(tries, 2);
  t.deepEqual(rowsOf(first), ['one', 'two']);
  await settled(clock, first.replicated.commit(writesOf('three')));
  t.deepEqual(rowsOf(first), ['one', 'three']);
  t.deepEqual(rowsOf(second), ['one', undefined]);
  t.deepEqual(rowsOf(await claim('/c', SHARDS)), ['one', 'three']);
});
