import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { linesThatMatter, logLines, tailOf } from './log-lines.ts';

const BEGIN = Date.parse('2026-11-26T12:00:00.000Z');

function folderOf(t: ExecutionContext, logs: Readonly<Record<string, string>>): string {
  const folder = mkdtempSync(join(tmpdir(), 'stream-sum-logs-'));
  t.teardown(() => rmSync(folder, { recursive: true }));
  for (const [name, text] of Object.entries(logs)) writeFileSync(join(folder, `${name}.log`), text);
  return folder;
}

function line(second: number, level: string, msg: string): string {
  return `${JSON.stringify({ level, time: new Date(BEGIN + second * 1e3).toISOString(), msg })}\n`;
}

test('lines of some time are those of all processes in the order of their times', (t) => {
  const folder = folderOf(t, {
    broker: line(1, 'info', 'serving') + line(5, 'warn', 'slow'),
    'summer-0': line(4, 'error', 'refused') + line(50, 'error', 'much later'),
  });
  const found = logLines(folder, { processes: ['broker', 'summer-0', 'nobody'], fromMs: BEGIN, toMs: BEGIN + 9e3 });
  t.deepEqual(
    found.map(({ process, text }) => `${process} ${text}`),
    ['broker serving', 'summer-0 refused', 'broker slow'],
  );
  t.deepEqual(
    linesThatMatter(found).map(({ text }) => text),
    ['refused', 'slow'],
  );
});

test('what is no line of the log, such as the stack of a crash, comes after the line before it', (t) => {
  const folder = folderOf(t, { broker: `${line(3, 'info', 'serving')}FATAL ERROR: out of memory\n` });
  const [, crash] = logLines(folder, { processes: ['broker'], fromMs: BEGIN, toMs: BEGIN + 9e3 });
  t.like(crash, { level: 'text', text: 'FATAL ERROR: out of memory', atMs: BEGIN + 3e3 });
  t.is(linesThatMatter(crash === undefined ? [] : [crash]).length, 1);
});

test('of lines that differ in numbers alone the last one matters', (t) => {
  const text = Array.from({ length: 9 }, (_, index) => line(index, 'warn', `a sum is late by ${index}.5 s`)).join('');
  const found = logLines(folderOf(t, { 'chunker-0': text }), {
    processes: ['chunker-0'],
    fromMs: BEGIN,
    toMs: BEGIN + 9e3,
  });
  t.deepEqual(
    linesThatMatter(found).map((last) => last.text),
    ['a sum is late by 8.5 s'],
  );
});

test('the end of a long log has whole lines only', (t) => {
  const folder = folderOf(t, { broker: Array.from({ length: 100 }, (_, index) => `line ${index}\n`).join('') });
  const tail = tailOf(join(folder, 'broker.log'), 25);
  t.is(tail, 'line 97\nline 98\nline 99\n');
  t.is(tailOf(join(folder, 'nobody.log')), '');
});
