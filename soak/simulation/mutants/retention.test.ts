import test from 'ava';
import * as records from '../../../src/chunker/rows/records.ts';
import { CONFIG_KEY } from '../../../src/journal/broker/tables.ts';
import { keyOf, nameKey, sealRow } from '../../../src/store/row.ts';
import type { Component, Watched } from '../decorations.ts';
import { Disk, type OwnedWrites } from '../world/disk.ts';
import { watchingSums } from './retention.ts';

const PARTITIONS = 2;
const PLACE = 100;
const PRODUCER = 'aa00000000000001';

const row = (key: Parameters<typeof records.keyFor>[0], value: unknown): OwnedWrites[number] => ({
  table: records.TABLE,
  key: records.keyFor(key),
  value: sealRow(value),
});

/**
 * Whether a trim of the sums journal up to `begin` counts as harm to a verifier at `PLACE`, in this phase of its life.
 */
function isHarm(phase: 'ending' | 'finished' | 'told' | null, begin: number, hasPin = true): boolean {
  let hasSignalled = false;
  const tookEffect = (): void => {
    hasSignalled = true;
  };
  const watching = watchingSums();
  const commit = (component: Component, disk: Disk, writes: OwnedWrites): void => {
    disk.apply(writes);
    const watched: Watched = { name: component, component, path: disk.path, disk, tookEffect };
    watching.durable?.(watched, writes);
  };
  const broker = new Disk('/simulated/broker', () => {});
  commit('broker', broker, [
    { table: 'config', key: CONFIG_KEY, value: sealRow({ partitions: PARTITIONS }) },
    ...(hasPin ? [{ table: 'holds', key: nameKey(PARTITIONS, PRODUCER), value: sealRow({ offset: PLACE }) }] : []),
  ]);
  commit('chunker', new Disk('/simulated/chunker', () => {}), [
    row('identity', { producer: PRODUCER, workload: '' }),
    row('position', { offset: PLACE, nextIndexes: {}, epochs: {} }),
    ...(phase === null ? [] : [row('phase', { phase })]),
  ]);
  const value = sealRow({ begin, head: 1_000 });
  commit('broker', broker, [{ table: 'journals', key: keyOf(PARTITIONS), value }]);
  return hasSignalled;
}

test('sums that are trimmed are missed by a verifier that is at work, and by none whose work is over', (t) => {
  for (const phase of [null, 'ending'] as const) {
    t.true(isHarm(phase, PLACE + 1), String(phase));
    t.false(isHarm(phase, PLACE), String(phase));
  }
  for (const phase of ['finished', 'told'] as const) t.false(isHarm(phase, PLACE + 1), phase);
  t.false(isHarm(null, PLACE + 1, false), 'its pin is gone');
});
