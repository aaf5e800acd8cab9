import test from 'ava';
import fc from 'fast-check';
import { faultSchedule } from './schedule.ts';
import { FAULT_KINDS } from '../../guarantee/fault-kinds.ts';
import { planPhases } from '../phases.ts';

const options = fc.record({
  seed: fc.nat(),
  lengthMs: fc.integer({ min: 1, max: 600_000 }),
  intervalMs: fc.integer({ min: 1_000, max: 60_000 }),
  summers: fc.integer({ min: 1, max: 8 }),
  chunkers: fc.integer({ min: 1, max: 8 }),
});

test('the same seed gives the same faults, another one others', (t) => {
  const shape = { lengthMs: 200_000, intervalMs: 5_000, summers: 3, chunkers: 3 };
  t.deepEqual([...faultSchedule({ seed: 1, ...shape })], [...faultSchedule({ seed: 1, ...shape })]);
  t.notDeepEqual([...faultSchedule({ seed: 1, ...shape })], [...faultSchedule({ seed: 2, ...shape })]);
});

test('every kind occurs where there is room for four, in order and within the phase', (t) => {
  fc.assert(
    fc.property(options, (from) => {
      const faults = [...faultSchedule(from)];
      t.is(faults.length, Math.max(1, Math.floor(from.lengthMs / from.intervalMs)));
      if (faults.length >= 4) t.is(new Set(faults.slice(0, 4).map((fault) => fault.kind)).size, FAULT_KINDS.length);
      for (const [index, fault] of faults.entries()) {
        const previous = faults[index - 1];
        t.is(fault.id, index + 1);
        t.true(fault.atMs >= 0 && fault.atMs < from.lengthMs);
        if (previous !== undefined) t.true(fault.atMs - previous.atMs >= 0.25 * from.intervalMs);
        t.true(fault.targets.length > 0);
        for (const target of fault.targets) {
          const [component, number] = target.split('-');
          if (component === 'summer') t.true(Number(number) < from.summers);
          else if (component === 'chunker') t.true(Number(number) < from.chunkers);
          else t.is(target, 'broker');
        }
      }
    }),
  );
});

test('every process is hit sooner or later', (t) => {
  const faults = faultSchedule({ seed: 3, lengthMs: 1_000_000, intervalMs: 5_000, summers: 3, chunkers: 3 });
  const single = [...faults].filter((fault) => fault.targets.length === 1).flatMap((fault) => fault.targets);
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

test('five minutes at one fault every five seconds hold at least forty', (t) => {
  const phase = planPhases({ durationMs: 300_000, faults: 'kill' }).find(({ phase: name }) => name === 'faults');
  for (const seed of [1, 2, 3]) {
    const lengthMs = phase?.durationMs ?? 0;
    t.true([...faultSchedule({ seed, lengthMs, intervalMs: 5_000, summers: 3, chunkers: 3 })].length >= 40);
  }
});
