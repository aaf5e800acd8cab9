import test from 'ava';
import fc from 'fast-check';
import { timedPhases } from './phases.ts';

test('a minute with faults is a tenth of warm-up, of steady and of heal around the faults', (t) => {
  t.deepEqual(timedPhases({ durationMs: 60_000, faults: ['kill'] }), [
    { phase: 'warm-up', durationMs: 6_000 },
    { phase: 'steady', durationMs: 6_000 },
    { phase: 'faults', durationMs: 42_000 },
    { phase: 'heal', durationMs: 6_000 },
  ]);
});

test('without faults there is no phase for them', (t) => {
  t.deepEqual(timedPhases({ durationMs: 30_000, faults: [] }), [
    { phase: 'warm-up', durationMs: 3_000 },
    { phase: 'steady', durationMs: 27_000 },
  ]);
});

test('the phases add up to the duration, and days go to the faults', (t) => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1_000, max: 30 * 86_400_000 }),
      fc.constantFrom<readonly string[]>([], ['kill']),
      (durationMs, faults) => {
        const phases = timedPhases({ durationMs, faults });
        const sum = phases.reduce((total, phase) => total + phase.durationMs, 0);
        t.true(Math.abs(sum - durationMs) < 1e-3);
        t.true(phases.every((phase) => phase.durationMs > 0));
        const longest = phases.reduce((a, b) => (b.durationMs > a.durationMs ? b : a));
        t.is(longest.phase, faults.length === 0 ? 'steady' : 'faults');
      },
    ),
  );
});
