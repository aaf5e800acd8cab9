import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { readCsv } from '../../src/results/csv.ts';
import type { FakePlan } from './testing/fake-component.ts';
import { failsAndIsNamed, run, runJson, sharedRun } from './testing/run-fakes.ts';

const violated = sharedRun('a run that is violated', { 'summer-1': { when: 'work', what: 'violation' } });

test('a violation ends the run with exit 10 and its own row', async (t) => {
  const { folder, exitCode, reasons } = await violated(t);
  t.is(exitCode, 10);
  t.regex(reasons, /summer-1: mismatched journal=sums offset=7: planted/);
  const [row] = readCsv(join(folder, 'violations.csv'));
  t.is(row?.['kind'], 'mismatched');
  t.is(row?.['process'], 'summer-1');
  t.is(row?.['offset'], '7');
  t.is(row?.['index'], '');
});

test('a violation leaves a story and a folder of evidence, which says what could not be read', async (t) => {
  const { folder, screen } = await violated(t);
  t.regex(screen, /^VIOLATED {2}mismatched: a sum is not that of its file/m);
  t.regex(screen, /^ {2}evidence +.*evidence\/witness\.txt$/m);
  const witness = readFileSync(join(folder, 'evidence', 'witness.txt'), 'utf8');
  t.log(witness);
  t.regex(witness, /^VIOLATED {2}mismatched: a sum is not that of its file$/m);
  t.regex(witness, /^What could not be read\n {2}there is no store at .*broker$/m);
  t.regex(witness, /Repeat the run: npx stream-sum soak --seed 1$/m);
  t.regex(witness, /summer-1 finds a violation: mismatched journal=sums offset=7: planted/);
  t.deepEqual(readdirSync(join(folder, 'evidence')).toSorted(), [
    'chunks.csv',
    'events.ndjson',
    'faults.csv',
    'logs',
    'run.json',
    'violations.csv',
    'witness.json',
    'witness.txt',
  ]);
  const [story] = runJson(folder)['stories'] as { kinds: object; finders: object; example: object }[];
  t.like(story, { kinds: { mismatched: 1 }, finders: ['summer-1'] });
  t.like(story?.example, { journal: 'sums', offset: 7, file: null });
});

test('a process that a foreign signal ended is restarted and named, and the run is judged to its end', async (t) => {
  const plan: FakePlan = {
    'summer-1': { when: 'work', what: 'abort once' },
    'chunker-0': { when: 'drain', what: 'abort once' },
  };
  const { folder, exitCode, verdict, reasons, screen } = await run(t, plan);
  t.is(verdict, 'INCONCLUSIVE');
  t.is(exitCode, 1);
  for (const name of ['summer-1', 'chunker-0'])
    t.regex(
      reasons,
      new RegExp(`^${name}: pid \\d+ was ended by SIGABRT, which this run did not send; it was started again`, 'm'),
    );
  t.regex(reasons, /^otherwise the guarantee held$/m);
  t.regex(screen, /summer-1: pid \d+ was ended by SIGABRT/);
  const json = runJson(folder);
  t.deepEqual(json['crashes'], { 'summer-1': 1, 'chunker-0': 1 });
  // It is not a fault of this run.
  t.deepEqual(readCsv(join(folder, 'faults.csv')), []);
});

failsAndIsNamed(
  'exit 1',
  { broker: { when: 'work', what: 'exit 1' } },
  { exitCode: 1, reason: /broker: pid \d+ exited unexpectedly with 1 .*\n.*planted exit 1/ },
);
failsAndIsNamed(
  'garbage',
  { 'summer-0': { when: 'work', what: 'garbage' } },
  { exitCode: 1, reason: /summer-0: malformed protocol line .*planted garbage/ },
);

test('a program that cannot be started fails the run', async (t) => {
  const launch = { command: '/no/such/program', argv: [] };
  const { exitCode, reasons } = await run(t, {}, { dependencies: { launch } });
  t.is(exitCode, 1);
  t.regex(reasons, /cannot start/);
});

test('sums that were never verified make the run inconclusive', async (t) => {
  const { folder, exitCode, reasons } = await run(t, { 'chunker-0': { when: 'drain', what: 'unverified' } });
  t.is(exitCode, 3);
  t.regex(reasons, /chunker-0 completed \d+ files and verified \d+/);
  const drain = readCsv(join(folder, 'latency.csv')).find((row) => row['phase'] === 'drain' && row['stage'] === 'sum');
  t.is(drain?.['censored'], '3');
});

test('the audit sees every producer, and what it finds is a violation', async (t) => {
  const seen: string[] = [];
  const { exitCode, reasons } = await run(
    t,
    {},
    {
      dependencies: {
        audit(context) {
          seen.push(...context.producers.map(({ producer }) => producer));
          return Promise.resolve([{ process: 'audit', kind: 'lost', detail: 'planted' }]);
        },
      },
    },
  );
  // They come in the order in which they were ready.
  t.deepEqual(seen.toSorted(), ['0000000000000000', '0000000000000001']);
  t.is(exitCode, 10);
  t.regex(reasons, /audit: lost: planted/);
});
