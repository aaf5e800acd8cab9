/** A claim of a shard whose cluster has lost something ends as a loss, however often it is tried. */

import test, { type ExecutionContext } from 'ava';
import { ViolationError } from '../core/errors.ts';
import { MemoryStore } from '../store/testing/memory-store.ts';
import { STATE_JOURNAL, StateScene, stateOf, write } from './testing/state-scene.ts';

const SNAPSHOT_BYTES = 60_000;

/** etcd goes back to before the shard was ever raised. */
async function loseEpochs({ cluster }: StateScene): Promise<void> {
  await cluster.txn({ compare: [], success: [{ request_delete_range: { key: Buffer.from('/p/shards/0') } }] });
}

async function isLoss(t: ExecutionContext, claim: Promise<unknown>, message: RegExp): Promise<void> {
  const error = await t.throwsAsync(claim);
  t.true(error instanceof ViolationError && error.kind === 'acknowledged-loss', String(error));
  t.regex(String(error), message);
}

test('an epoch that etcd has lost is given to no second owner of a state log', async (t) => {
  const scene = new StateScene(SNAPSHOT_BYTES);
  const { owner: first } = await scene.claim(new MemoryStore('/a'));
  await scene.settled(first.replicated.commit([write('states', 1, Buffer.from('one'))]));
  await loseEpochs(scene);
  const length = scene.cluster.contentOf(STATE_JOURNAL).length;
  await isLoss(t, scene.claim(new MemoryStore('/b')), /an entry of epoch 1/);
  t.is(scene.cluster.contentOf(STATE_JOURNAL).length, length);
  // The living owner is alone, and its transactions are its own.
  await scene.settled(first.replicated.commit([write('states', 2, Buffer.from('two'))]));
  t.is(Object.keys(stateOf(first.store)).length, 2);
});

test('epochs that etcd has lost are a loss, and no newer owner', async (t) => {
  const scene = new StateScene(SNAPSHOT_BYTES);
  for (const path of ['/a', '/b', '/c']) await scene.claim(new MemoryStore(path));
  await loseEpochs(scene);
  await isLoss(t, scene.claim(new MemoryStore('/d')), /an entry of epoch 3/);
});

test('of two owners of one epoch the second one takes no entry of the first for its own', async (t) => {
  const scene = new StateScene(SNAPSHOT_BYTES);
  const { cluster } = scene;
  const owner = { shard: 0, epoch: 1 };
  const start = { begin: 0, sequence: 0 };
  const [a, b] = [scene.connect(), scene.connect()].map((journals) => journals.openState(owner));
  if (a === undefined || b === undefined) throw new Error('there are two logs');
  let isHeld = true;
  cluster.fateOf = ({ parts }) => (isHeld && parts.length > 0 ? 4 : 'done');
  const reader = { take: () => {}, atEnd: () => {} };
  const first = a.claim(start, Buffer.from('of the first'), reader);
  await scene.clock.settle();
  isHeld = false;
  await scene.settled(b.claim(start, Buffer.from('of the second'), reader));
  await isLoss(t, scene.settled(first), /another entry of epoch 1/);
});

test('a log that has lost everything is a loss for the second claim, too', async (t) => {
  const scene = new StateScene(SNAPSHOT_BYTES);
  const { owner } = await scene.claim(new MemoryStore('/a'));
  await scene.settled(owner.replicated.commit([write('states', 1, Buffer.from('one'))]));
  scene.cluster.truncate(STATE_JOURNAL, 0);
  for (const path of ['/b', '/c']) {
    await isLoss(t, scene.claim(new MemoryStore(path)), /has no state of it/);
    t.is(scene.cluster.contentOf(STATE_JOURNAL).length, 0);
  }
});

test('a claim from a copy whose entry the log has lost leaves nothing in the log', async (t) => {
  const scene = new StateScene(SNAPSHOT_BYTES);
  const { owner } = await scene.claim(new MemoryStore('/a'));
  const kept = scene.cluster.contentOf(STATE_JOURNAL).length;
  await scene.settled(owner.replicated.commit([write('states', 1, Buffer.from('one'))]));
  scene.cluster.truncate(STATE_JOURNAL, kept);
  await isLoss(t, scene.claim(owner.store.copy()), /has not the same there now/);
  t.is(scene.cluster.contentOf(STATE_JOURNAL).length, kept);
});

test('a copy of another lineage is a loss, wherever the entries of the present one begin', async (t) => {
  const scene = new StateScene(SNAPSHOT_BYTES);
  const { owner } = await scene.claim(new MemoryStore('/a'));
  const kept = scene.cluster.contentOf(STATE_JOURNAL).length;
  for (const text of ['one', 'two'])
    await scene.settled(owner.replicated.commit([write('states', 1, Buffer.from(text))]));
  scene.cluster.truncate(STATE_JOURNAL, kept);
  const { owner: other } = await scene.claim(new MemoryStore('/b'));
  await scene.settled(other.replicated.commit([write('states', 1, Buffer.alloc(5_000))]));
  await isLoss(t, scene.claim(owner.store.copy()), /has not the same there now/);
});
