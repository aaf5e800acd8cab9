import test from 'ava';
import type { Findings } from '../guarantee/history.ts';
import { type WholeFindings, joinedFindings } from './whole-recheck.ts';

const found: Findings = { violations: [], violationCount: 0, inconclusive: [] };

function findings(changes: Partial<WholeFindings>): WholeFindings {
  return {
    findings: [],
    judged: '',
    remarks: [],
    damages: [],
    recordedCount: 7,
    droppedCount: 0,
    foundCount: 0,
    isClosed: true,
    hasEnded: true,
    ...changes,
  };
}

test('the findings of two threads are joined in the order of the checkers', (t) => {
  const other: Findings = { ...found };
  const joined = joinedFindings(findings({ findings: [null, found] }), findings({ findings: [other, null] }));
  t.is(joined.findings[0], other);
  t.is(joined.findings[1], found);
});

test('a history that grew between the two reads is refused, not judged by halves', (t) => {
  t.throws(() => joinedFindings(findings({}), findings({ recordedCount: 8 })), {
    code: 'ERR_HISTORY_GROWS',
    message: /audit it again/,
  });
});
