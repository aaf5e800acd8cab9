import test from 'ava';
import type { ExperimentResult } from './experiment.ts';
import { singleLines, statementOf } from './single.ts';
import { runExperiment } from './experiment.ts';

const FOUND = { process: 'exactly-once', kind: 'phantom', detail: 'planted', atNs: 1 } as const;

function result(tookEffect: boolean, violation: ExperimentResult['violation']): ExperimentResult {
  const measured = { holds: violation === null, reasons: [], virtualS: 1, realS: 1 };
  return { of: 'mutant', name: 'phantom-sum', seed: 3, tookEffect, violation, ...measured };
}

test('of a schedule one statement says whether the bug took effect and whether it was caught', (t) => {
  const bug = 'the bug phantom-sum under seed 3';
  t.is(statementOf(result(true, FOUND)), `${bug} took effect and was caught by a right name, phantom`);
  t.is(
    statementOf(result(true, { ...FOUND, kind: 'gap' })),
    `${bug} took effect and was caught as gap, and is phantom`,
  );
  t.is(statementOf(result(true, null)), `${bug} took effect and was not caught`);
  t.regex(statementOf(result(false, null)), /^the bug phantom-sum under seed 3 did not take effect: /);
  t.regex(statementOf(result(false, FOUND)), /was caught by a right name, phantom, but never said that it took effect/);
});

test('the story of one schedule is that of the schedule which was judged', async (t) => {
  const judged = await runExperiment({ of: 'mutant', name: 'phantom-sum', seed: 3 });
  const lines = await singleLines(judged);
  t.regex(lines[0] ?? '', /took effect and was caught by a right name/);
  t.is(lines[1], judged.reasons[0]);
  t.is(
    lines.find((line) => line.startsWith('why: ')),
    `why: ${judged.reasons[0]}`,
  );
  const effect = lines.filter((line) => line.includes('took effect'));
  t.is(effect.length, 2, effect.join('\n'));
});
