import test from 'ava';
import { ManualClock } from '../../core/testing/manual-clock.ts';
import { Wait } from './wait.ts';

test('a wait is told from the fifth second on and then each half minute, and its end too', (t) => {
  const clock = new ManualClock();
  const lines: string[] = [];
  const say = ({ why }: { readonly why?: unknown }, line: string): void => void lines.push(`${line} (${String(why)})`);
  const wait = new Wait({ clock, log: { info: say, warn: say, fatal: say }, what: 'a list' });
  wait.over();
  for (let tenths = 0; tenths <= 400; tenths += 1) {
    wait.failed('gone');
    clock.jump(100);
  }
  wait.over();
  wait.over();
  t.deepEqual(lines, [
    'the cluster has not answered a list for 5 s (gone)',
    'the cluster has not answered a list for 35 s (gone)',
    'the cluster answers a list again (undefined)',
  ]);
});

test('what is shorter than that is told to nobody', (t) => {
  const clock = new ManualClock();
  const lines: string[] = [];
  const say = (_: unknown, line: string): void => void lines.push(line);
  const wait = new Wait({ clock, log: { info: say, warn: say, fatal: say }, what: 'a list' });
  for (let round = 0; round < 3; round += 1) {
    wait.failed('gone');
    clock.jump(4_900);
    wait.failed('gone');
    wait.over();
  }
  t.deepEqual(lines, []);
});

test('three refusals in a row are one for good', (t) => {
  const wait = new Wait({ clock: new ManualClock(), log: undefined, what: 'a list' });
  t.deepEqual(
    [true, true, false, true, true, true].map((isRefused) => wait.refused(isRefused)),
    [false, false, false, false, false, true],
  );
});
