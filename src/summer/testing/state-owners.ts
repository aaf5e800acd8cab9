/** Owners of one shard that commit random rows, and a model of the rows that must be there. */

import type { ExecutionContext } from 'ava';
import { Prng } from '../../core/prng.ts';
import { testSeed } from '../../journal/testing/seed.ts';
import type { Write } from '../../store/store.ts';
import { HeldCommits, MemoryStore } from '../../store/testing/memory-store.ts';
import { type Owner, StateScene, stateOf, write } from './state-scene.ts';

const TABLES = ['producers', 'states', 'outbox'] as const;
const ROWS = 60;
export const SNAPSHOT_BYTES = 60_000;

/** Rows as the committed transactions leave them. */
export class Model {
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

export function someWrites(prng: Prng): Write[] {
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

export async function commit({ scene }: Scene, { replicated }: Owner, writes: readonly Write[]): Promise<void> {
  await scene.settled(replicated.commit(writes));
}

/**
 * So many owners one after the other, each of which finds the rows of the committed transactions. Returns from what
 * they began, and how often.
 */
export async function checkOwners(t: ExecutionContext, rounds: number): Promise<ReadonlyMap<string, number>> {
  const prng = Prng.fromSeed(testSeed(t));
  const scene = new StateScene(SNAPSHOT_BYTES);
  const at = { t, prng, scene };
  const stores: MemoryStore[] = [];
  let model = new Model();
  let { owner } = await scene.claim(new MemoryStore('/0'));
  const bases = new Map<string, number>();
  for (let round = 1; round <= rounds; round += 1) {
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
  return bases;
}

function sorted(rows: Record<string, string>): [string, string][] {
  return Object.entries(rows).toSorted(([a], [b]) => (a < b ? -1 : 1));
}
