/** A report of much data: to write and read a table of 72 hours takes seconds. */

import { statSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { made, reportOf, textOf, timelineIn } from './testing/pages.ts';

test('72 hours of data make a page of a few MB that keeps every dip and every fault', (t) => {
  const seconds = 72 * 3_600;
  const folder = made(t, { seconds, faultEveryS: 5, isMissing: (second) => second > 100_000 && second <= 101_000 });
  t.true(statSync(join(folder, 'intervals.csv')).size > 40e6);
  const page = reportOf(folder);
  t.log(`${Buffer.byteLength(page)} bytes`);
  t.true(Buffer.byteLength(page) < 4e6);
  const { panels, faults, atS } = timelineIn(page);
  t.true(atS.length > 600 && atS.length <= 1_200);
  const published = panels[0]?.series.find(({ name }) => name === 'published');
  t.is(Math.min(...(published?.low ?? []).flatMap((value) => (value === null || value === 0 ? [] : value))), 4_000);
  t.true((published?.values ?? []).filter((value) => value === null).length >= 2);
  t.true((faults?.items.length ?? 0) > 1_000 && (faults?.items.length ?? 0) < 3_000);
  t.regex(textOf(page), /A point stands for 256 s: rates are the mean/);
});
