import { stripVTControlCharacters } from 'node:util';
import test from 'ava';
import { paintFor } from './colors.ts';
import { type DisplayStatus, statusBlock, statusLine } from './screen.ts';
import { STATUS } from './testing/display-status.ts';

const BUSY: DisplayStatus = {
  ...STATUS,
  phase: 'faults',
  experiment: {
    ...STATUS.experiment,
    open: [
      { what: 'fault 14, kill-everything of broker summer-0 summer-1 chunker-0', stage: 'proven', sinceMs: 400 },
      { what: 'fault 13, partition-drop-one-way of summer-1', stage: 'healed', sinceMs: 1_200 },
    ],
    down: ['broker', 'summer-0', 'summer-1', 'chunker-0'],
    counts: { injected: 14, proven: 14, healed: 13, recovered: 12 },
  },
  violations: 1,
};

test('the block says the phases that are left, the offered rate, what is under way and what is down', (t) => {
  const block = statusBlock(STATUS, 80);
  t.regex(block, /^steady +1 s of 1 min 0 s and the drain$/m);
  t.regex(block, /^ +phases +steady to 13 s, faults to 55 s, heal to 1 min 1 s, drain, audit$/m);
  t.regex(block, /^ +chunks\/s +19,990 of 20,000 offered$/m);
  t.regex(block, /^ +latency +p50 5 ms, p99 -$/m);
  t.regex(block, /^ +down +nothing$/m);
  const busy = statusBlock(BUSY, 140);
  t.regex(busy, /now +fault 14, kill-everything of broker summer-0 summer-1 chunker-0: has hit, for 400 ms/);
  t.regex(busy, /fault 13, partition-drop-one-way of summer-1: healed, no new sum of all it hit for 1\.2 s/);
  t.regex(busy, /faults +14 injected, 14 proven, 13 healed, 12 recovered +violations +1/);
  t.regex(statusLine(BUSY), /14 faults proven, 1 violations, down: broker summer-0 summer-1 chunker-0$/);
});

function words(text: string): string[] {
  return text.split(/\s+/).filter((word) => word !== '');
}

test('a block fits into each width, and colors change no letter of it', (t) => {
  for (let columns = 60; columns <= 220; columns += 1) {
    const block = statusBlock(BUSY, columns);
    for (const line of block.split('\n')) t.true(line.length <= columns, `${columns}: ${line}`);
    const colored = statusBlock(BUSY, columns, paintFor({ isTTY: true }, { TERM: 'xterm' }));
    t.not(colored, block);
    t.is(stripVTControlCharacters(colored), block);
    t.deepEqual(words(block).toSorted(), words(statusBlock(BUSY, 1_000)).toSorted(), `${columns}`);
  }
});
