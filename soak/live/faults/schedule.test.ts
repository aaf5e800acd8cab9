import test from 'ava';
import fc from 'fast-check';
import { checkPlan } from './fault-plan.ts';
import { OUTAGE_MS, faultSchedule } from './schedule.ts';
import { CLUSTER_FAMILIES, LIVE_FAMILIES, familyOf, kindsOf } from '../../guarantee/fault-kinds.ts';
import { timedPhases } from '../phases.ts';

/** The default of `--sla`, ms. */
const SLA_MS = 30_000;

const SHAPE = { intervalMs: 5_000, slaMs: SLA_MS, families: LIVE_FAMILIES, isFollowed: true, summers: 3, chunkers: 3 };

const options = fc.record({
  isFollowed: fc.boolean(),
  families: fc.subarray([...LIVE_FAMILIES], { minLength: 1 }),
  slaMs: fc.integer({ min: 300, max: 60_000 }),
  seed: fc.nat(),
  lengthMs: fc.integer({ min: 1, max: 600_000 }),
  intervalMs: fc.integer({ min: 1_000, max: 60_000 }),
  summers: fc.integer({ min: 1, max: 8 }),
  chunkers: fc.integer({ min: 1, max: 8 }),
});

test('the same seed gives the same faults, another one others', (t) => {
  const shape = {
    isFollowed: true,
    lengthMs: 200_000,
    intervalMs: 5_000,
    slaMs: 30_000,
    families: LIVE_FAMILIES,
    summers: 3,
    chunkers: 3,
  };
  t.deepEqual([...faultSchedule({ seed: 1, ...shape })], [...faultSchedule({ seed: 1, ...shape })]);
  t.notDeepEqual([...faultSchedule({ seed: 1, ...shape })], [...faultSchedule({ seed: 2, ...shape })]);
});

test('every kind occurs once a turn, every family early, in order and within the phase', (t) => {
  fc.assert(
    fc.property(options, (from) => {
      const faults = [...faultSchedule(from)];
      t.is(faults.length, Math.max(1, Math.floor(from.lengthMs / from.intervalMs)));
      const kinds = kindsOf(from.families, from);
      const turn = faults.slice(0, kinds.length).map(({ kind }) => kind);
      if (turn.length === kinds.length) t.deepEqual(turn.toSorted(), kinds.toSorted());
      const early = faults.slice(0, from.families.length).map(({ kind }) => familyOf(kind));
      t.is(new Set(early).size, early.length);
      for (const [index, fault] of faults.entries()) {
        const previous = faults[index - 1];
        t.is(fault.id, index + 1);
        t.true(fault.atMs >= 0 && fault.atMs < from.lengthMs);
        if (previous !== undefined) t.true(fault.atMs - previous.atMs >= 0.25 * from.intervalMs);
        t.true(fault.targets.length > 0);
        t.is(fault.link !== undefined, fault.kind.startsWith('partition-'));
        t.is(new Set(fault.targets).size, fault.targets.length);
        const isForgotten = fault.lengthMs >= OUTAGE_MS.forgotten[0];
        t.true(fault.lengthMs >= 0 && fault.lengthMs <= from.slaMs / (isForgotten ? 2 : 3));
        t.is(fault.lengthMs > 0, /^(?:pause|partition)-|^takeover-(?:paused|dead)$/.test(fault.kind));
        for (const target of fault.targets) {
          const [component, number] = target.split('-');
          if (component === 'summer') t.true(Number(number) < from.summers);
          else if (component === 'chunker') t.true(Number(number) < from.chunkers);
          else if (fault.kind.startsWith('partition-')) t.true(target === 'auditor' && from.isFollowed);
          else t.is(target, 'broker');
        }
      }
    }),
  );
});

test('every process is hit sooner or later', (t) => {
  const faults = faultSchedule({ ...SHAPE, seed: 3, lengthMs: 1_000_000 });
  const single = [...faults]
    .filter((fault) => fault.targets.length === 1 && fault.link === undefined)
    .flatMap((fault) => fault.targets);
  t.deepEqual([...new Set(single)].toSorted(), [
    'broker',
    'chunker-0',
    'chunker-1',
    'chunker-2',
    'summer-0',
    'summer-1',
    'summer-2',
  ]);
});

test('five minutes of kills at one every five seconds hold at least forty', (t) => {
  const phase = timedPhases({ durationMs: 300_000, faults: ['kill'] }).find(({ phase: name }) => name === 'faults');
  for (const seed of [1, 2, 3]) {
    const lengthMs = phase?.durationMs ?? 0;
    t.true([...faultSchedule({ ...SHAPE, families: ['kill'], seed, lengthMs })].length >= 40);
  }
});

/** The length of each pause, or of each outage of links, in such a phase, in ms. */
function outagesOf(family: 'pause' | 'partition', phaseMs: number, slaMs: number = SLA_MS): number[] {
  const from = { ...SHAPE, seed: 5, lengthMs: phaseMs, intervalMs: 2_000, slaMs };
  return [...faultSchedule({ ...from, families: [family] })].map(({ lengthMs }) => lengthMs);
}

for (const family of ['pause', 'partition'] as const) {
  test(`a long phase has outages by ${family} of every length with the usual SLA`, (t) => {
    const long = outagesOf(family, 1_000_000);
    for (const [low, high] of Object.values(OUTAGE_MS)) t.true(long.some((ms) => ms >= low && ms <= high));
  });

  test(`a short phase, and a shorter SLA, has no outage by ${family} that the broker forgets a session by`, (t) => {
    t.true(outagesOf(family, 40_000).every((ms) => ms <= OUTAGE_MS.noticed[1]));
    t.true(outagesOf(family, 1_000_000, 24_000).every((ms) => ms <= OUTAGE_MS.noticed[1]));
  });
}

test('on a cluster every kind hits what the run has, and none hits a broker that it does not have', (t) => {
  fc.assert(
    fc.property(
      fc.nat(),
      fc.record({ brokers: fc.integer({ min: 1, max: 6 }), etcd: fc.integer({ min: 1, max: 5 }) }),
      (seed, cluster) => {
        const run = { summers: 3, chunkers: 3, isFollowed: false, cluster };
        const kinds = kindsOf(CLUSTER_FAMILIES, run);
        const shape = { seed, families: CLUSTER_FAMILIES, slaMs: 90_000, intervalMs: 1_000, ...run };
        const faults = [...faultSchedule({ ...shape, lengthMs: 1_000 * kinds.length })];
        t.deepEqual(faults.map(({ kind }) => kind).toSorted(), kinds.toSorted());
        for (const { targets } of faults) t.true(targets.length > 0);
        checkPlan(faults, run);
      },
    ),
  );
});
