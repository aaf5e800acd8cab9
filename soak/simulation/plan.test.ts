import test from 'ava';
import { Prng } from '../../src/core/prng.ts';
import { isCertain, leastFaults } from './certain-faults.ts';
import { retirement } from './departures.ts';
import { type Plan, type PlannedFault, planOf } from './plan.ts';

const END_MS = 60_000;
const CRASH: PlannedFault = {
  id: 0,
  atMs: 20_000,
  kind: 'crash',
  target: 'broker',
  when: null,
  death: { atCall: 5, commit: 'lost', downMs: 10 },
};

function planWith(...faults: PlannedFault[]): Plan {
  return { ...planOf(1, 'uniform'), warmUpMs: 0, faultsMs: END_MS, faults: [CRASH, ...faults] };
}

function pause(target: string, atMs: number, durationMs: number): PlannedFault {
  return { id: 2, atMs, kind: 'pause', target, durationMs };
}

test('a crash is certain to hit if its target runs for 15 s until everything heals', (t) => {
  t.true(isCertain(CRASH, planWith()));
  t.true(isCertain({ ...CRASH, atMs: 45_000 }, planWith()));
  t.false(isCertain({ ...CRASH, atMs: 45_001 }, planWith()));
});

test('a retirement is certain to hit if its target and the broker run for 30 s until everything heals', (t) => {
  const retire = retirement(Prng.fromSeed(1), 'chunker-0', 30_000);
  const of = (...others: PlannedFault[]): number | undefined =>
    leastFaults(planWith({ id: 1, ...retire }, ...others))['retire of chunker'];
  t.is(of(), 1);
  t.is(of(pause('chunker-0', 35_000, 5_000)), undefined);
  t.is(of(pause('broker', 35_000, 5_000)), undefined);
  t.is(of(pause('summer-0', 35_000, 5_000)), 1);
});

test('a crash is not certain if a pause stops its target until too late, and pauses of others change nothing', (t) => {
  for (const [isSure, ...pauses] of [
    [false, [19_000, 27_000]],
    [false, [21_000, 39_000]],
    [true, [25_000, 15_000], [19_000, 15_000]],
  ] as const) {
    const plan = planWith(...pauses.map(([atMs, durationMs]) => pause('broker', atMs, durationMs)));
    t.is(isCertain(CRASH, plan), isSure, JSON.stringify(pauses));
    t.is(leastFaults(plan)['crash of broker'], isSure ? 1 : undefined);
    t.true(isCertain(CRASH, planWith(...pauses.map(([atMs, durationMs]) => pause('chunker-0', atMs, durationMs)))));
  }
});

function etcdCrash(id: number, atMs: number): PlannedFault {
  return { id, atMs, kind: 'etcd-crash', target: 'etcd-1', downMs: 500 };
}

function allBrokersCrash(resetMs: number): PlannedFault {
  const fault = { kind: 'all-brokers-crash', target: 'brokers', isFlushed: true, downMs: 1_000 } as const;
  return { id: 3, atMs: 1_000, ...fault, resetMs };
}

test('the first fault of etcd is certain, and those that follow are not: they may find a member down', (t) => {
  const away: PlannedFault = { id: 3, atMs: 40_000, kind: 'etcd-away', target: 'etcd', durationMs: 900 };
  const whole = planWith(etcdCrash(1, 50_000), etcdCrash(2, 59_000), away);
  t.true(isCertain(away, whole));
  t.false(isCertain(etcdCrash(1, 50_000), whole));
  t.is(leastFaults(whole)['etcd-away of etcd'], 1);
  t.is(leastFaults(whole)['etcd-crash of etcd'], undefined);
});

test('what needs a cluster is not certain when all of its brokers may be away until everything heals', (t) => {
  const cluster = { brokers: 4, replication: 3, leaseMs: 4_000, keepsIds: false };
  const restart: PlannedFault = { id: 1, atMs: 20_000, kind: 'restart', target: 'summer-0', downMs: 10 };
  for (const [isSure, resetMs] of [
    [true, 20_000],
    [false, 20_001],
  ] as const) {
    t.is(isCertain(restart, { ...planWith(restart, allBrokersCrash(resetMs)), cluster }), isSure);
  }
  t.true(isCertain(restart, { ...planWith(restart), cluster }));
});
