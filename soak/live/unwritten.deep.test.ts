import test from 'ava';
import { runMoved } from './testing/run-moved.ts';

test('a violation stays one though its folder is gone', async (t) => {
  const { verdict, screen } = await runMoved(t, { 'summer-1': { when: 'stop', what: 'violation' } });
  t.is(verdict.verdict, 'VIOLATED');
  t.is(verdict.exitCode, 10);
  t.regex(screen, /mismatched journal=sums offset=7: planted/);
  t.regex(screen, /cannot write .*run\.json/);
});
