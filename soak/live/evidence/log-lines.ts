/** Log lines of a run's processes from a part of the run, with their times. */

import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import { join } from 'node:path';
import { asRecord } from '../../../src/core/assert.ts';
import { messageOf } from '../../../src/fleet/exit-judgement.ts';

export type LogLine = {
  readonly process: string;
  /** Milliseconds since 1970. */
  readonly atMs: number;
  /** The level as pino names it; `text`: a line that is not in the log's format, such as one of Node itself. */
  readonly level: string;
  readonly text: string;
};

/** How much of each log's end is read. */
const TAIL_BYTES = 1024 * 1024;
const LENGTH_MAX = 400;
const RANKS: Readonly<Record<string, number>> = { text: 1, warn: 1, error: 2, fatal: 3 };

/** Lines of these processes in that time, in the order of time. A missing log has none. */
export function logLines(
  logsFolder: string,
  {
    processes,
    fromMs,
    toMs,
  }: { readonly processes: readonly string[]; readonly fromMs: number; readonly toMs: number },
): LogLine[] {
  const lines = processes.flatMap((process) => linesOf(process, tailOf(join(logsFolder, `${process}.log`))));
  return lines.filter(({ atMs }) => atMs >= fromMs && atMs <= toMs).toSorted((one, other) => one.atMs - other.atMs);
}

/** Warnings and worse. Of lines that differ only in numbers, the last one. */
export function linesThatMatter(lines: readonly LogLine[]): LogLine[] {
  const last = new Map<string, LogLine>();
  for (const line of lines) {
    if ((RANKS[line.level] ?? 0) === 0) continue;
    const key = `${line.process} ${line.level} ${line.text.replaceAll(/[0-9a-f]{16,}|\d+(?:\.\d+)?/g, '#')}`;
    last.delete(key);
    last.set(key, line);
  }
  return [...last.values()];
}

function linesOf(process: string, tail: string): LogLine[] {
  let atMs = 0;
  return tail.split('\n').flatMap((line) => {
    if (line.trim() === '') return [];
    const fields = parsed(line);
    const time = typeof fields?.['time'] === 'string' ? Date.parse(fields['time']) : Number.NaN;
    // A line that Node prints has no time; it comes after the line before it.
    atMs = Number.isNaN(time) ? atMs : time;
    const level = typeof fields?.['level'] === 'string' ? fields['level'] : 'text';
    return [{ process, atMs, level, text: messageOf(line).slice(0, LENGTH_MAX) }];
  });
}

function parsed(line: string): Readonly<Record<string, unknown>> | null {
  try {
    return asRecord(JSON.parse(line));
  } catch {
    return null;
  }
}

/** The end of a log, without a first line that is cut; empty when there is no log. */
export function tailOf(path: string, tailBytes: number = TAIL_BYTES): string {
  let descriptor: number;
  try {
    descriptor = openSync(path, 'r');
  } catch {
    return '';
  }
  try {
    const { size } = fstatSync(descriptor);
    const bytes = Buffer.alloc(Math.min(size, tailBytes));
    const length = readSync(descriptor, bytes, 0, bytes.length, size - bytes.length);
    const text = bytes.toString('utf8', 0, length);
    return size > bytes.length ? text.slice(text.indexOf('\n') + 1) : text;
  } finally {
    closeSync(descriptor);
  }
}
