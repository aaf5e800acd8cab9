import test from 'ava';
import fc from 'fast-check';
import { Prng } from '../../../../src/core/prng.ts';
import type { LinkMode } from './link-mode.ts';
import { type Pacing, pacingOf } from './pacing.ts';

type Step = { readonly atNs: number; readonly granted: number };

/** Lets arrivals wait, asks when something may pass, and returns what passed when. */
function run(pacing: Pacing, arrivals: readonly { readonly atNs: number; readonly bytes: number }[]): Step[] {
  const steps: Step[] = [];
  let held = 0;
  let nowNs = 0;
  const left = [...arrivals];
  while (held > 0 || left.length > 0) {
    const arrivalNs = left[0]?.atNs ?? Number.POSITIVE_INFINITY;
    const nextNs = held > 0 ? Math.max(nowNs, pacing.nextNs(held)) : Number.POSITIVE_INFINITY;
    if (arrivalNs <= nextNs) {
      nowNs = Math.max(nowNs, arrivalNs);
      const { bytes = 0 } = left.shift() ?? {};
      held += bytes;
      pacing.arrive(bytes, nowNs);
    } else {
      // A timer of Node comes up to a millisecond late.
      nowNs = nextNs + 1e6;
    }
    for (let granted = pacing.grant(held, nowNs); granted > 0; granted = pacing.grant(held, nowNs)) {
      held -= granted;
      steps.push({ atNs: nowNs, granted });
      if (held === 0) break;
    }
  }
  return steps;
}

const arrivals = fc
  .array(fc.record({ gapNs: fc.nat(50e6), bytes: fc.integer({ min: 1, max: 5_000 }) }), { minLength: 1, maxLength: 20 })
  .map((each) => {
    let atNs = 0;
    return each.map(({ gapNs, bytes }) => ({ atNs: (atNs += gapNs), bytes }));
  });

function paced(mode: LinkMode, seed: number): Pacing {
  const made = pacingOf(mode, Prng.fromSeed(seed));
  if (made === null) throw new Error(`no pacing for ${mode.mode}`);
  return made;
}

function sum(steps: readonly { readonly granted: number }[]): number {
  return steps.reduce((total, { granted }) => total + granted, 0);
}

test('delayed bytes pass after their delay, in their order, all of them', (t) => {
  fc.assert(
    fc.property(arrivals, fc.nat(100), fc.nat(100), fc.nat(), (come, delayMs, jitterMs, seed) => {
      const steps = run(paced({ mode: 'delay', delayMs, jitterMs }, seed), come);
      t.is(
        sum(steps),
        come.reduce((total, { bytes }) => total + bytes, 0),
      );
      let passed = 0;
      for (const { atNs, granted } of steps) {
        passed += granted;
        const due = come.filter((arrival) => arrival.atNs + delayMs * 1e6 <= atNs);
        t.true(passed <= due.reduce((total, { bytes }) => total + bytes, 0), `${passed} B at ${atNs}`);
      }
    }),
  );
});

test('a throttled link never carries more than its rate, and carries all', (t) => {
  fc.assert(
    fc.property(arrivals, fc.integer({ min: 10_000, max: 10_000_000 }), (come, bytesPerS) => {
      const steps = run(paced({ mode: 'throttle', bytesPerS }, 0), come);
      t.is(
        sum(steps),
        come.reduce((total, { bytes }) => total + bytes, 0),
      );
      const beginNs = come[0]?.atNs ?? 0;
      let passed = 0;
      for (const { atNs, granted } of steps) {
        passed += granted;
        t.true(passed <= ((atNs - beginNs) / 1e9) * bytesPerS + 1, `${passed} B at ${atNs}`);
      }
    }),
  );
});

test('an idle throttled link saves nothing up', (t) => {
  const link = paced({ mode: 'throttle', bytesPerS: 1_000 }, 0);
  link.arrive(10, 0);
  t.is(link.grant(10, 10e6), 10);
  link.arrive(1_000, 60e9);
  t.is(link.grant(1_000, 60e9 + 100e6), 100);
});

test('pieces are no larger than they may be, and have a pause between them', (t) => {
  fc.assert(
    fc.property(
      arrivals,
      fc.integer({ min: 100, max: 5_000 }),
      fc.integer({ min: 1, max: 9 }),
      (come, bytesMax, pauseMs) => {
        const steps = run(paced({ mode: 'slice', bytesMax, pauseMs }, bytesMax), come);
        t.is(
          sum(steps),
          come.reduce((total, { bytes }) => total + bytes, 0),
        );
        for (const [index, { atNs, granted }] of steps.entries()) {
          t.true(granted >= 1 && granted <= bytesMax);
          if (index > 0) t.true(atNs - (steps[index - 1]?.atNs ?? 0) >= pauseMs * 1e6);
        }
      },
    ),
  );
});

test('one seed gives one jitter', (t) => {
  const come = Array.from({ length: 9 }, (_, index) => ({ atNs: index * 1e6, bytes: 10 }));
  const steps = (seed: number): Step[] => run(paced({ mode: 'delay', delayMs: 5, jitterMs: 40 }, seed), come);
  t.deepEqual(steps(7), steps(7));
  t.notDeepEqual(steps(7), steps(8));
});
