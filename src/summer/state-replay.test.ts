/** Rows that are rebuilt from a state log are those of the committed transactions, wherever their owner has died. */

import test, { type ExecutionContext } from 'ava';
import { Prng } from '../core/prng.ts';
import { ViolationError } from '../core/errors.ts';
import { testSeed } from '../journal/testing/seed.ts';
import type { Write } from '../store/store.ts';
import { HeldCommits, MemoryStore } from '../store/testing/memory-store.ts';
import { STATE_JOURNAL, type Owner, StateScene, stateOf, write } from './testing/state-scene.ts';

const TABLES = ['producers', 'states', 'outbox'] as const;
const ROWS = 60;
const ROUNDS = 30;
const SNAPSHOT_BYTES = 60_000;

/** Rows as the committed transactions leave them. */
class Model {
  readonly rows: Map<string, string>;

  constructor(rows: ReadonlyMap<string, string> = new Map()) {
    this.rows = new Map(rows);
  }

  with(writes: readonly Write[]): Model {
    const next = new Model(this.rows);
    for (const { table, key, value } of writes) {
      const name = `${table}/${key.toString('hex')}`;
      if (value === null) next.rows.delete(name);
      else next.rows.set(name, Buffer.from(value).toString('hex'));
    }
    return next;
  }

  get state(): Record<string, string> {
    return Object.fromEntries(this.rows);
  }
}

function someWrites(prng: Prng): Write[] {
  return Array.from({ length: 1 + prng.below(6) }, () => {
    const table = TABLES[prng.below(TABLES.length)] ?? 'states';
    const value = prng.below(4) === 0 ? null : Buffer.alloc(1 + prng.below(8_000), prng.below(256));
    return write(table, prng.below(ROWS), value);
  });
}

type Scene = { readonly t: ExecutionContext; readonly prng: Prng; readonly scene: StateScene };

/** What brokers do with appends from now on: half of them are carried out and answered. */
function trouble({ scene, prng }: Scene): void {
  scene.cluster.fateOf = ({ parts }) => {
    if (parts.length === 0) return 'done';
    const dice = prng.below(10);
    if (dice < 6) return 'done';
    if (dice < 8) return 'unanswered';
    return dice === 8 ? 'late' : 4;
  };
}

function calm({ cluster }: StateScene): void {
  cluster.fateOf = () => 'done';
}

/** Carries out some of the appends that are late. */
function release({ scene, prng }: Scene): void {
  const { late } = scene.cluster;
  for (const arrive of late.splice(0, prng.below(late.length + 1))) arrive();
}

async function commit({ scene }: Scene, { replicated }: Owner, writes: readonly Write[]): Promise<void> {
  await scene.settled(replicated.commit(writes));
}

test('a new owner finds the rows of the committed transactions, whatever was late or lost', async (t) => {
  const prng = Prng.fromSeed(testSeed(t));
  const scene = new StateScene(SNAPSHOT_BYTES);
  const at = { t, prng, scene };
  const stores: MemoryStore[] = [];
  let model = new Model();
  let { owner } = await scene.claim(new MemoryStore('/0'));
  const bases = new Map<string, number>();
  for (let round = 1; round <= ROUNDS; round += 1) {
    trouble(at);
    for (let left = prng.below(12); left > 0; left -= 1) {
      const writes = someWrites(prng);
      await commit(at, owner, writes);
      model = model.with(writes);
      t.deepEqual(stateOf(owner.store), model.state);
      release(at);
    }
    // The last transaction is under way when its owner dies, or is replaced while it lives.
    const writes = someWrites(prng);
    const held = new HeldCommits();
    owner.store.gate = held.gate;
    const old = owner;
    const underWay = Promise.allSettled([old.replicated.commit(writes)]);
    for (let turns = prng.below(8); turns > 0; turns -= 1) await Promise.resolve();
    if (prng.below(2) === 0) await scene.clock.advance(prng.below(300));
    const isKilled = prng.below(2) === 0;
    const found = isKilled ? old.store.crash(prng.below(2) === 0 ? 'lost' : 'durable') : old.store.copy();
    if (isKilled) old.journals.close();
    stores.push(found.copy());
    calm(scene);
    if (prng.below(2) === 0) release(at);
    // With an empty folder, that of the old owner, or an older copy of that.
    const choices = [new MemoryStore(`/${round}`), found, stores[prng.below(stores.length)]?.copy() ?? found];
    const { owner: next, replayed } = await scene.claim(choices[prng.below(choices.length)] ?? found);
    bases.set(replayed.base, (bases.get(replayed.base) ?? 0) + 1);
    const withLast = model.with(writes);
    const isIn = JSON.stringify(sorted(stateOf(next.store))) === JSON.stringify(sorted(withLast.state));
    if (isIn) model = withLast;
    t.deepEqual(stateOf(next.store), model.state, `round ${round}: ${JSON.stringify(replayed)}`);
    // Nothing that is late now changes anything, and the old owner commits nothing more.
    for (const arrive of scene.cluster.late.splice(0)) arrive();
    if (!isKilled) {
      held.open();
      await scene.settled(underWay);
      const before = stateOf(old.store);
      await commit(at, old, [write('states', ROWS, Buffer.from('of the old owner'))]);
      t.true(old.isFenced);
      t.deepEqual(stateOf(old.store), before);
    }
    owner = next;
  }
  t.log(Object.fromEntries(bases));
  for (const base of ['local', 'snapshot']) t.true((bases.get(base) ?? 0) > 0, base);
});

function sorted(rows: Record<string, string>): [string, string][] {
  return Object.entries(rows).toSorted(([a], [b]) => (a < b ? -1 : 1));
}

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
