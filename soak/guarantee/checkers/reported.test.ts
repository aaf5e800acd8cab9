import test from 'ava';
import { decideVerdict } from '../verdict.ts';
import type { HistoryEvent } from '../history.ts';
import { ReportedChecker } from './reported.ts';
import { run } from './testing/planted.ts';

const VIOLATION: HistoryEvent = {
  event: 'violation',
  atNs: 5,
  process: 'summer-1',
  kind: 'gap',
  detail: 'expected 5, found 7',
  journal: 'chunks/part-003',
  offset: 9,
};
const EXIT: HistoryEvent = { event: 'ended', atNs: 6, process: 'summer-1', exitCode: 10 };

test('what a component found is a finding under its name, once', (t) => {
  const { violations } = run(new ReportedChecker(), [VIOLATION, EXIT]);
  t.deepEqual(violations, [
    {
      process: 'summer-1',
      kind: 'gap',
      detail: 'expected 5, found 7',
      atNs: 5,
      journal: 'chunks/part-003',
      offset: 9,
    },
  ]);
});

test('exit 10 is a violation even when its process did not say which', (t) => {
  const { violations, inconclusive } = run(new ReportedChecker(), [EXIT]);
  t.deepEqual(inconclusive, []);
  t.deepEqual(decideVerdict([{ violations, violationCount: violations.length, inconclusive }]), {
    verdict: 'VIOLATED',
    exitCode: 10,
    reasons: ['summer-1: exited with 10 without saying which guarantee broke'],
  });
});

test('other exits are none', (t) => {
  for (const exitCode of [0, 1, 12, null]) t.deepEqual(run(new ReportedChecker(), [{ ...EXIT, exitCode }]).kinds, []);
});
