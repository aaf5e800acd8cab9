import test from 'ava';
import { LostAnswers } from './lost.ts';

test('appends and barriers count only answers that follow each other without another one in between', (t) => {
  const lost = new LostAnswers();
  let nowNs = 0;
  const after = (ms: number, meaning: 'lost' | 'later'): boolean => lost.note(meaning, (nowNs += ms * 1e6));
  for (let second = 0; second <= 60; second += 1) t.false(after(1_000, 'lost'), String(second));
  t.false(after(100, 'later'));
  for (let second = 0; second <= 60; second += 1) t.false(after(1_000, 'lost'), String(second));
  t.true(after(1_000, 'lost'));
});
