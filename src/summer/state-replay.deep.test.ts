/** More owners than `state-replay.test.ts` has, and a state log that is longer than its snapshots. */

import test from 'ava';
import { Prng } from '../core/prng.ts';
import { testSeed } from '../journal/testing/seed.ts';
import { MemoryStore } from '../store/testing/memory-store.ts';
import { Model, SNAPSHOT_BYTES, checkOwners, commit, someWrites } from './testing/state-owners.ts';
import { STATE_JOURNAL, StateScene, stateOf } from './testing/state-scene.ts';

test('a new owner finds the rows of the committed transactions, whatever was late or lost', async (t) => {
  const bases = await checkOwners(t, 30);
  for (const base of ['local', 'snapshot']) t.true((bases.get(base) ?? 0) > 0, base);
});

test('a snapshot bounds what a new owner reads, however long the log is', async (t) => {
  const prng = Prng.fromSeed(testSeed(t));
  const scene = new StateScene(SNAPSHOT_BYTES);
  const { owner } = await scene.claim(new MemoryStore('/a'));
  const oldest = owner.store.copy();
  const sizes: number[] = [];
  let model = new Model();
  for (let number = 0; number < 400; number += 1) {
    const writes = someWrites(prng);
    await commit({ t, prng, scene }, owner, writes);
    model = model.with(writes);
    if (number % 100 !== 99) continue;
    // An empty folder, or one that was left long ago.
    const { replayed, owner: other } = await scene.claim(number < 200 ? new MemoryStore(`/${number}`) : oldest.copy());
    t.is(replayed.base, 'snapshot');
    t.deepEqual(stateOf(other.store), model.state);
    sizes.push(replayed.bytes);
    owner.store.crash('lost');
    Object.assign(owner, { store: other.store, journals: other.journals, replicated: other.replicated });
  }
  const logBytes = scene.cluster.contentOf(STATE_JOURNAL).length;
  t.log(`${logBytes} bytes of log, of which were replayed: ${sizes.join(', ')}`);
  // A snapshot has at most the 180 rows, and the next one begins at four times its size and is as large.
  const boundBytes = 6 * 180 * 4_100;
  t.true(logBytes > boundBytes);
  for (const bytes of sizes) t.true(bytes < boundBytes, String(bytes));
});
