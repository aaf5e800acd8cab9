import test from 'ava';
import { ManualClock } from '../../src/core/testing/manual-clock.ts';
import { Interruption } from './interruption.ts';

function begin(): { clock: ManualClock; said: string[]; interruption: Interruption } {
  const clock = new ManualClock();
  const said: string[] = [];
  return { clock, said, interruption: new Interruption({ clock, display: { say: (line) => said.push(line) } }) };
}

test('the first interrupt ends the timed phases, the second one the run', (t) => {
  const { interruption, said } = begin();
  t.is(interruption.kind, 'no');
  interruption.interrupt('SIGINT');
  t.deepEqual([interruption.early.aborted, interruption.halted.aborted, interruption.kind], [true, false, 'drained']);
  interruption.interrupt('SIGINT');
  t.deepEqual([interruption.halted.aborted, interruption.kind], [true, 'at once']);
  t.deepEqual(said, ['interrupted: draining, then the verdict; once more to stop at once']);
});

test('a run that is terminated drains for 5 s, and then ends at once; a Ctrl-C has no such bound', async (t) => {
  for (const [signal, kind] of [
    ['SIGTERM', 'at once'],
    ['SIGINT', 'drained'],
  ] as const) {
    const { clock, interruption } = begin();
    interruption.interrupt(signal);
    await clock.advance(4_900);
    t.is(interruption.kind, 'drained');
    await clock.advance(200);
    t.is(interruption.kind, kind);
    t.is(interruption.halted.aborted, kind === 'at once');
  }
});

test('what is over is ended by no timer, and who halts a run has not interrupted it', async (t) => {
  const { clock, interruption } = begin();
  interruption.interrupt('SIGTERM');
  interruption.close();
  await clock.advance(10_000);
  t.is(interruption.kind, 'drained');
  const other = begin().interruption;
  other.halt();
  t.deepEqual([other.early.aborted, other.halted.aborted, other.kind], [true, true, 'no']);
});
