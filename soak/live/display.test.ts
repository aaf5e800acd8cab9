import { EventEmitter } from 'node:events';
import test from 'ava';
import { createDisplay, type DisplayStream, lineDisplay } from './display.ts';
import { STATUS } from './testing/display-status.ts';

/** A terminal, or a stream that is called a terminal, that keeps what was written to it. */
function terminal(columns: number, isTTY = true): { stream: DisplayStream; written: string[] } {
  const written: string[] = [];
  const stream = Object.assign(new EventEmitter(), {
    isTTY,
    columns,
    rows: 24,
    write: (text: string) => written.push(text) > 0,
  });
  return { stream: stream as unknown as DisplayStream, written };
}

type Environment = Parameters<typeof createDisplay>[1];

function shown(columns: number, environment: Environment, isTTY = true): string {
  const { stream, written } = terminal(columns, isTTY);
  const display = createDisplay(stream, environment);
  display.say('begins');
  display.update(STATUS);
  display.finish('HOLDS\n');
  return written.join('');
}

test('a terminal is redrawn in place', (t) => {
  const text = shown(80, { TERM: 'xterm', NO_COLOR: '1' });
  t.true(text.includes('\u001B['));
  t.regex(text, /HOLDS\n/);
});

test('a terminal without columns, a dumb one and a pipe get plain lines', (t) => {
  const texts = [
    shown(0, { TERM: 'xterm', NO_COLOR: '1' }),
    shown(20, { TERM: 'xterm', NO_COLOR: '1' }),
    shown(80, { TERM: 'dumb' }),
    shown(Number.NaN, { TERM: 'xterm' }, false),
  ];
  for (const text of texts) {
    t.false(text.includes('\u001B'), JSON.stringify(text));
    t.regex(text, /^begins\n +1 s {2}steady .*\nHOLDS\n$/);
  }
});

test('a terminal that becomes narrow while it is drawn on is left alone, and told the end', (t) => {
  const { stream, written } = terminal(80);
  const display = createDisplay(stream, { TERM: 'xterm', NO_COLOR: '1' });
  display.update(STATUS);
  (stream as { columns: number }).columns = 0;
  display.update(STATUS);
  display.finish('HOLDS\n');
  t.is(written.at(-1), 'HOLDS\n');
});

test('a reader that is gone ends nothing', (t) => {
  const { stream } = terminal(80, false);
  createDisplay(stream, { TERM: 'xterm' });
  t.notThrows(() => stream.emit('error', new Error('write EPIPE')));
});

test('without a terminal there is a line every five seconds and at each new phase', (t) => {
  const lines: string[] = [];
  const display = lineDisplay((text) => lines.push(text));
  for (let second = 1; second <= 11; second += 1) display.update({ ...STATUS, elapsedMs: second * 1_000 });
  t.is(lines.length, 3);
  display.update({ ...STATUS, phase: 'faults', elapsedMs: 11_500 });
  t.is(lines.length, 4);
  t.regex(lines[3] ?? '', /12 s {2}faults .*20,000 offered chunks\/s, 640 kB\/s, 300 files open, 1,000 sums verified/);
});

test('a line that stays is broken between words where the terminal ends, and the block stands below it again', (t) => {
  const { stream, written } = terminal(80);
  const display = createDisplay(stream, { TERM: 'xterm', NO_COLOR: '1' });
  display.update(STATUS);
  const words = Array.from({ length: 20 }, (_, index) => `chunker-${index}`);
  const before = written.length;
  display.say(`    12.3 s  injected   fault 3, kill-everything of ${words.join(' ')}`, 'injected');
  const said = written.slice(before).find((text) => text.includes('injected')) ?? '';
  const lines = said.trimEnd().split('\n');
  t.true(lines.length > 2);
  for (const line of lines) t.true(line.length <= 80, line);
  const [first = '', ...rest] = lines;
  t.regex(first, /^ {4}12\.3 s {2}injected {3}fault 3, kill-everything of chunker-0 /);
  for (const line of rest) t.is(line.search(/\S/), first.indexOf('fault 3'));
  t.deepEqual(said.match(/chunker-\d+/g), words);
  t.true(written.slice(before).join('').lastIndexOf('steady') > written.slice(before).join('').indexOf('injected'));
});

function isColored(environment: Environment, isTTY: boolean): boolean {
  return shown(80, environment, isTTY).includes('mHOLDS');
}

test('colors follow NO_COLOR, FORCE_COLOR and the terminal, in this order', (t) => {
  t.true(isColored({ TERM: 'xterm' }, true));
  t.false(isColored({ TERM: 'xterm' }, false));
  t.true(isColored({ TERM: 'dumb', FORCE_COLOR: '1' }, true));
  t.true(isColored({ FORCE_COLOR: '' }, false));
  t.false(isColored({ TERM: 'xterm', FORCE_COLOR: '0' }, true));
  t.false(isColored({ TERM: 'xterm', NO_COLOR: '1', FORCE_COLOR: '1' }, true));
  t.true(isColored({ TERM: 'xterm', NO_COLOR: '' }, true));
});
