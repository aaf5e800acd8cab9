/**
 * Rows that are rebuilt from a state log are those of the committed transactions, wherever their owner has died.
 * `state-replay.deep.test.ts` has more owners, and a long log.
 */

import test from 'ava';
import { Prng } from '../core/prng.ts';
import { ViolationError } from '../core/errors.ts';
import { MemoryStore } from '../store/testing/memory-store.ts';
import { SNAPSHOT_BYTES, checkOwners, commit } from './testing/state-owners.ts';
import { STATE_JOURNAL, StateScene, stateOf, write } from './testing/state-scene.ts';

test('a new owner finds the rows of the committed transactions, whatever was late or lost', async (t) => {
  await checkOwners(t, 10);
});

test('an owner that is replaced while it sleeps commits nothing when it wakes', async (t) => {
  const scene = new StateScene(SNAPSHOT_BYTES);
  const at = { t, prng: Prng.fromSeed(1), scene };
  const { owner: first } = await scene.claim(new MemoryStore('/a'));
  await commit(at, first, [write('states', 1, Buffer.from('one'))]);
  const { owner: second } = await scene.claim(new MemoryStore('/b'));
  const before = stateOf(first.store);
  await commit(at, first, [write('states', 1, Buffer.from('late'))]);
  t.true(first.isFenced);
  t.deepEqual(stateOf(first.store), before);
  await commit(at, second, [write('states', 2, Buffer.from('two'))]);
  t.false(second.isFenced);
  const { owner: third } = await scene.claim(new MemoryStore('/c'));
  t.deepEqual(stateOf(third.store), stateOf(second.store));
});

test('a raised owner that has not claimed yet gets what the old owner still commits', async (t) => {
  const scene = new StateScene(SNAPSHOT_BYTES);
  const { owner: first } = await scene.claim(new MemoryStore('/a'));
  const { cluster } = scene;
  let lateBytes = 0;
  // Its answer is lost, and it arrives right before the claim of the successor.
  cluster.fateOf = ({ parts }) => (parts.length === 0 ? 'done' : 'late');
  const underWay = first.replicated.commit([write('states', 1, Buffer.from('one'))]);
  await scene.clock.settle();
  first.store.crash('lost');
  first.journals.close();
  await t.throwsAsync(underWay);
  cluster.fateOf = ({ parts }) => {
    if (parts.length > 0) for (const arrive of cluster.late.splice(0)) lateBytes += arrive() === 0 ? 1 : 0;
    return 'done';
  };
  const { owner: second } = await scene.claim(new MemoryStore('/b'));
  t.is(lateBytes, 1);
  t.deepEqual(Object.values(stateOf(second.store)), [Buffer.from('one').toString('hex')]);
});

test('a local copy that has what the log has lost is a proof of loss', async (t) => {
  const scene = new StateScene(SNAPSHOT_BYTES);
  const at = { t, prng: Prng.fromSeed(1), scene };
  const { owner } = await scene.claim(new MemoryStore('/a'));
  await commit(at, owner, [write('states', 1, Buffer.from('one'))]);
  const kept = scene.cluster.contentOf(STATE_JOURNAL).length;
  await commit(at, owner, [write('states', 1, Buffer.from('two'))]);
  scene.cluster.truncate(STATE_JOURNAL, kept);
  const error = await t.throwsAsync(scene.claim(owner.store.copy()));
  t.true(error instanceof ViolationError && error.kind === 'acknowledged-loss', String(error));
  // Another owner has gone on from what was left: another entry has that place.
  await scene.claim(new MemoryStore('/b'));
  const later = await t.throwsAsync(scene.claim(owner.store.copy()));
  t.true(later instanceof ViolationError && later.kind === 'acknowledged-loss', String(later));
});

test('a snapshot without its last part is no start', async (t) => {
  const scene = new StateScene(1);
  const at = { t, prng: Prng.fromSeed(1), scene };
  const { owner } = await scene.claim(new MemoryStore('/a'));
  await commit(at, owner, [write('states', 1, Buffer.alloc(300_000, 1)), write('outbox', 1, Buffer.alloc(300_000, 2))]);
  const begin = scene.cluster.contentOf(STATE_JOURNAL).length;
  // The first part of the second snapshot goes along. Entry 0 is the claim, 1 and 2 came with the last transaction.
  await commit(at, owner, [write('states', 2, Buffer.from('small'))]);
  await scene.settled(owner.journals.openState({ shard: 0, epoch: 1 }).noteSnapshot({ begin, sequence: 3 }));
  const error = await t.throwsAsync(scene.claim(new MemoryStore('/b')));
  t.regex(String(error), /no whole snapshot at \d+: its last part is missing/);
});
