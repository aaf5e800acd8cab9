import { EventEmitter } from 'node:events';
import test from 'ava';
import { createDisplay, type DisplayStatus, type DisplayStream } from './display.ts';

const STATUS: DisplayStatus = {
  elapsedMs: 1_000,
  phase: 'steady',
  chunksPerSecond: 1,
  bytesPerSecond: 1,
  filesOpen: 1,
  sumsVerified: 1,
  sumsOutstanding: 0,
  latencyP50Ns: 1e6,
  latencyP99Ns: 1e6,
  scheduleLagNs: 0,
  durationMs: 60_000,
  offered: 20_000,
  faults: 0,
  violations: 0,
};

/** A terminal, or what is called one, that keeps what was written to it. */
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

function shown(columns: number, kind: string, isTTY = true): string {
  const { stream, written } = terminal(columns, isTTY);
  const display = createDisplay(stream, kind);
  display.say('begins');
  display.update(STATUS);
  display.finish('HOLDS\n');
  return written.join('');
}

test('a terminal is redrawn in place', (t) => {
  const text = shown(80, 'xterm');
  t.true(text.includes('\u001B['));
  t.regex(text, /HOLDS\n/);
});

test('a terminal without columns, a dumb one and a pipe get plain lines', (t) => {
  for (const text of [shown(0, 'xterm'), shown(20, 'xterm'), shown(80, 'dumb'), shown(Number.NaN, 'xterm', false)]) {
    t.false(text.includes('\u001B'), JSON.stringify(text));
    t.regex(text, /^begins\n +1 s steady .*\nHOLDS\n$/);
  }
});

test('a terminal that becomes narrow while it is drawn on is left alone, and told the end', (t) => {
  const { stream, written } = terminal(80);
  const display = createDisplay(stream, 'xterm');
  display.update(STATUS);
  (stream as { columns: number }).columns = 0;
  display.update(STATUS);
  display.finish('HOLDS\n');
  t.is(written.at(-1), 'HOLDS\n');
});

test('a reader that is gone ends nothing', (t) => {
  const { stream } = terminal(80, false);
  createDisplay(stream, 'xterm');
  t.notThrows(() => stream.emit('error', new Error('write EPIPE')));
});
