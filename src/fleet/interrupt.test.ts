import { EventEmitter } from 'node:events';
import test from 'ava';
import { onInterrupt } from './interrupt.ts';

test('one Ctrl-C that arrives twice is one interrupt, a later one is another, and after undo there is none', (t) => {
  const source = new EventEmitter();
  let nowMs = 1_000;
  let interrupts = 0;
  let last = '';
  const undo = onInterrupt(
    (signal) => {
      interrupts += 1;
      last = signal;
    },
    source,
    () => nowMs,
  );
  source.emit('SIGINT', 'SIGINT');
  nowMs += 20;
  source.emit('SIGINT', 'SIGINT');
  t.is(interrupts, 1);
  nowMs += 600;
  source.emit('SIGTERM', 'SIGTERM');
  t.is(interrupts, 2);
  t.is(last, 'SIGTERM');
  undo();
  nowMs += 600;
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) t.false(source.emit(signal));
  t.is(interrupts, 2);
});
