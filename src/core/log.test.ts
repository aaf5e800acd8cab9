import test from 'ava';
import { type Log, attempt, safeLog } from './log.ts';

test('what a log throws is dropped and counted, and what it takes is handed on', (t) => {
  const lines: string[] = [];
  let isFull = false;
  const line = (fields: object, message: string): void => {
    if (isFull) throw new Error('no space');
    lines.push(`${JSON.stringify(fields)} ${message}`);
  };
  const log: Log = { info: line, warn: line, fatal: line };
  let dropped = 0;
  const safe = safeLog(log, () => {
    dropped += 1;
    throw new Error('nor does this one stop it');
  });
  safe.info({ a: 1 }, 'first');
  isFull = true;
  for (const level of ['info', 'warn', 'fatal'] as const) t.notThrows(() => safe[level]({}, 'lost'));
  isFull = false;
  safe.fatal({}, 'last');
  t.deepEqual(lines, ['{"a":1} first', '{} last']);
  t.is(dropped, 3);
});

test('an attempt says whether it was done', (t) => {
  t.true(attempt(() => {}));
  t.false(
    attempt(() => {
      throw new Error('x');
    }),
  );
});
