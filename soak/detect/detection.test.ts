import test from 'ava';
import fc from 'fast-check';
import type { Finding } from '../guarantee/violation.ts';
import { MUTANTS } from '../simulation/mutants/index.ts';
import { SABOTAGES } from '../simulation/sabotages/sabotages.ts';
import { freshSeedOf } from './detect-command.ts';
import { Detection, rateOf } from './detection.ts';
import type { ExperimentResult } from './experiment.ts';
import { formatPowers } from './format.ts';

const [mutant] = MUTANTS;
const [sabotage] = SABOTAGES;
if (mutant === undefined || sabotage === undefined) throw new Error('there are mutants and sabotages');
const right = mutant.kinds[0] ?? 'lost';
const wrong = mutant.kinds.includes('leak') ? 'corrupt' : 'leak';

function found(kind: Finding['kind']): Finding {
  return { process: 'test', kind, detail: 'planted', atNs: 1 };
}

function result(fields: Partial<ExperimentResult>): ExperimentResult {
  const { violation = null } = fields;
  return {
    of: 'mutant',
    name: fields.of === 'clean' ? '' : (mutant?.name ?? ''),
    seed: 1,
    tookEffect: true,
    violation,
    holds: violation === null,
    reasons: violation === null ? [] : [violation.detail],
    virtualS: 2,
    realS: 0.5,
    ...fields,
  };
}

function detection(...results: readonly Partial<ExperimentResult>[]): Detection {
  const counted = new Detection();
  for (const fields of results) counted.add(result(fields));
  return counted;
}

test('what was caught wherever it took effect is counted by class and in all', (t) => {
  const counted = detection(
    { violation: found(right), virtualS: 2 },
    { violation: found(right), virtualS: 4, seed: 2 },
    { tookEffect: false, seed: 3 },
  );
  const [own, all] = counted.powers();
  t.is(own?.name, mutant.class);
  t.like(all, { name: 'all', mutants: 1, planted: 3, effective: 2, caught: 2, rightKind: 2, virtualSMedian: 3 });
  t.deepEqual(counted.misses(), []);
  t.is(counted.exitCode, 0);
  t.is(formatPowers(counted.powers(), 'markdown').at(-1), '| all | 1 | 3 | 2 | 100 % | 100 % | 3.0 | 0.50 |');
  t.regex(formatPowers(counted.powers(), 'text').at(-1) ?? '', /^all +1 +3 +2 +100 % +100 % +3\.0 +0\.50$/);
});

test('one that took effect and was not caught is a miss, with a line that repeats it', (t) => {
  const counted = detection({ violation: found(right) }, { seed: 7, reasons: ['the process failed'] });
  t.deepEqual(counted.misses(), [
    `${mutant.name} was not caught under seed 7 (only the process failed): ` +
      `npm run detect -- --mutant ${mutant.name} --seed 7`,
  ]);
  t.is(counted.exitCode, 1);
  t.is(counted.powers().at(-1)?.caught, 1);
});

test('a mutant that never takes effect proves nothing, and is a miss', (t) => {
  const counted = detection({ tookEffect: false }, { tookEffect: false, seed: 2 });
  t.is(counted.misses().length, 1);
  t.is(counted.exitCode, 1);
});

test('a catch of a bug that has not said that it took effect is a miss, and counts as no detection', (t) => {
  const counted = detection({ tookEffect: false, violation: found(right) }, { seed: 2, violation: found(right) });
  t.deepEqual(counted.misses(), [
    `${mutant.name} did not say that it took effect under seed 1 (${right} was found): ` +
      `npm run detect -- --mutant ${mutant.name} --seed 1`,
  ]);
  t.is(counted.exitCode, 1);
  t.like(counted.powers().at(-1), { planted: 2, effective: 1, caught: 1, rightKind: 1 });
  t.is(counted.rows()[0]?.took_effect, 'false');
});

test('the rate of misses has its interval', (t) => {
  const caught = Array.from({ length: 99 }, (_, at) => ({ seed: at + 1, violation: found(right) }));
  const counted = detection({ seed: 0 }, ...caught);
  t.is(
    counted.missLine(),
    'missed in 1 of 100 schedules in which a bug took effect: 1.00 % (95 % interval 0.18 % to 5.45 %)',
  );
  t.is(detection().missLine(), null);
});

test('a score interval holds its rate, is narrower with more, and ends at 0 and 1', (t) => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 10_000 }), fc.double({ min: 0, max: 1, noNaN: true }), (of, share) => {
      const count = Math.round(of * share);
      const { rate, low, high } = rateOf(count, of);
      t.true(low >= 0 && low <= rate && rate <= high && high <= 1);
      const more = rateOf(count * 10, of * 10);
      t.true(more.high - more.low < high - low);
    }),
  );
  // Newcombe, "Two-sided confidence intervals for the single proportion", Statistics in Medicine 17, 1998, method 3.
  for (const [count, of, low, high] of [
    [81, 263, 0.2553, 0.3662],
    [15, 148, 0.0624, 0.1605],
    [0, 20, 0, 0.1611],
    [1, 29, 0.0061, 0.1718],
  ] as const) {
    const interval = rateOf(count, of);
    t.deepEqual([interval.low.toFixed(4), interval.high.toFixed(4)], [low.toFixed(4), high.toFixed(4)]);
  }
});

test('fresh seeds are those of the commit alone, and of commits that differ in a digit they are far apart', (t) => {
  const one = freshSeedOf('a'.repeat(40));
  t.is(freshSeedOf('a'.repeat(40)), one);
  t.true(Math.abs(freshSeedOf(`${'a'.repeat(39)}b`) - one) >= 1_000_000);
  t.true(Number.isSafeInteger(one + 1_000_000) && one >= 1_000_000);
});

test('of twenty detections one may have a wrong name, and not two', (t) => {
  const rest = (count: number): Partial<ExperimentResult>[] =>
    Array.from({ length: count }, () => ({ violation: found(right) }));
  const once = detection({ violation: found(wrong) }, ...rest(19));
  t.is(once.exitCode, 0);
  t.is(once.misnamed().length, 1);
  t.is(detection({ violation: found(wrong) }, { violation: found(wrong) }, ...rest(18)).exitCode, 1);
});

test('an alarm in a clean schedule is a miss; without one the bound is stated', (t) => {
  const clean = Array.from({ length: 3_000 }, (_, seed) => ({ of: 'clean', tookEffect: false, seed }) as const);
  t.is(
    detection(...clean).cleanLine(),
    '0 alarms in 3000 clean schedules: with 95 % confidence fewer than 0.1 % of them raise one',
  );
  t.is(detection(...clean).exitCode, 0);
  const alarmed = detection({ of: 'clean', seed: 5, violation: found('lost') }, ...clean);
  t.is(alarmed.cleanLine(), '1 alarms in 3001 clean schedules');
  t.is(alarmed.exitCode, 1);
  t.regex(alarmed.misses()[0] ?? '', /npm run simulate -- --seed 5$/);
});

test('a sabotage that holds, or is doubted for another reason, is a miss', (t) => {
  const named = { of: 'sabotage', name: sabotage.name, tookEffect: false } as const;
  const reason = 'the fault crash took effect 0 times, and should have 3 times';
  t.deepEqual(detection({ ...named, holds: false, reasons: [reason] }).misses(), []);
  t.is(detection({ ...named, holds: false, reasons: ['something else'] }).misses().length, 1);
  t.is(detection({ ...named, holds: true }).misses().length, 1);
});

test('a row says what was found, and leaves empty what was not', (t) => {
  const [caught, missed] = detection({ violation: found(wrong), virtualS: 1.23456 }, { seed: 2 }).rows();
  t.like(caught, {
    mutant: mutant.name,
    class: mutant.class,
    kind_named: wrong,
    kind_is_right: 'false',
    virtual_s: 1.235,
  });
  t.like(missed, { took_effect: 'true', caught: 'false', kind_named: null, kind_is_right: null, virtual_s: null });
});
