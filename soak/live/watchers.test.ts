import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'ava';
import { readCsv } from '../../src/results/csv.ts';
import { RESOURCES } from './resources/leaks.ts';
import { runSoak } from './run.ts';
import { fakeDependencies, fakeOptions } from './testing/fake-run.ts';

test.serial('a soak that runs is scraped, and says what each process used when it has ended', async (t) => {
  const results = mkdtempSync(join(tmpdir(), 'stream-sum-soak-'));
  t.teardown(() => rmSync(results, { recursive: true, force: true }));
  const said: string[] = [];
  const scraped: Promise<string>[] = [];
  const dependencies = fakeDependencies({}, said);
  const { verdict, folder } = await runSoak(fakeOptions(results, { durationMs: 2_000, chunkers: 1, metricsPort: 0 }), {
    ...dependencies,
    display: {
      ...dependencies.display,
      update: () => {
        const [, url = ''] = said.map((line) => /^metrics: (.*)$/.exec(line)).find((match) => match !== null) ?? [];
        scraped.push(fetch(url).then((answer) => answer.text()));
      },
    },
  });
  t.is(verdict.verdict, 'HOLDS', said.join('\n'));
  const texts = await Promise.all(scraped);
  t.true(texts.length > 0);
  for (const text of texts) t.regex(text, /^stream_sum_violations_total 0$/m);
  const verified = texts.map((text) => Number(/^stream_sum_files_verified_total (\d+)$/m.exec(text)?.[1]));
  t.true((verified.at(-1) ?? 0) > 0, verified.join(' '));
  for (const process of ['broker', 'summer-1', 'chunker-0', 'soak'])
    t.true(
      texts.some((text) => text.includes(`stream_sum_process_resident_memory_bytes{process="${process}"} `)),
      process,
    );
  // Nothing answers any more.
  const [, url = ''] = said.map((line) => /^metrics: (.*)$/.exec(line)).find((match) => match !== null) ?? [];
  await t.throwsAsync(fetch(url));
  // A run of seconds is too short to judge, which does not count against it.
  const rows = readCsv(join(folder, 'resources.csv'));
  const resources = rows.filter((row) => row['process'] === 'soak').map((row) => row['resource']);
  t.deepEqual(
    resources,
    RESOURCES.filter((resource) => resource !== 'disk'),
  );
  for (const row of rows) t.true(['short', 'listed'].includes(row['verdict'] ?? ''), JSON.stringify(row));
  const run: { resources: unknown[] } = JSON.parse(readFileSync(join(folder, 'run.json'), 'utf8'));
  t.is(run.resources.length, rows.length);
});
