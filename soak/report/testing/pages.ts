/** Reports of made folders, and what stands in them. */

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { ExecutionContext } from 'ava';
import type { TimeChart } from '../../../src/report/chart.ts';
import { figuresOf } from '../../../src/report/figures.ts';
import { writeReport } from '../write-report.ts';
import { type Made, makeSoakFolder } from './made-folder.ts';

/** The folder is removed with the test. */
export function made(t: ExecutionContext, of: Made = {}): string {
  const { folder, remove } = makeSoakFolder(of);
  t.teardown(remove);
  return folder;
}

export function reportOf(folder: string): string {
  writeReport(folder);
  return readFileSync(join(folder, 'report.html'), 'utf8');
}

/** The text that a reader sees, without tags and scripts. */
export function textOf(page: string): string {
  return page
    .replaceAll(/<(script|style)[^>]*>.*?<\/\1>/gs, ' ')
    .replaceAll(/<[^>]+>/g, ' ')
    .replaceAll(/\s+/g, ' ');
}

export function timelineIn(page: string): TimeChart {
  const [first] = figuresOf(page);
  if (first?.of !== 'time') throw new TypeError('the first figure is the timeline');
  return first.chart;
}

let plain: string | null = null;

/** The report of a run that holds, made once. */
export function plainReport(t: ExecutionContext): string {
  return (plain ??= reportOf(made(t)));
}
