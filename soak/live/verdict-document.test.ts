import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { STEADY, toldRun, violatedRun } from './testing/told-run.ts';
import { verdictDocument } from './verdict-document.ts';

/** The README among the sources, because the compiled files have no documents beside them. */
const RESULTS_README = join(import.meta.dirname, '../../../results/README.md');

/** The fields of the first version. */
const FIELDS = [
  ...of('', 'schemaVersion kind verdict exitCode reasons[] advice[] violations.count seed commit dirty startedAt'),
  ...of('', 'elapsedSeconds folder data evidence command rate.offeredChunksPerSecond rate.chunksPerSecond'),
  ...of('violations.stories[].', 'title kinds.late fileCount fromSeconds toSeconds firstFoundSeconds finders[]'),
  ...of('violations.stories[].', 'slaSeconds example.file example.offset faults[].id hostLate.totalSeconds lines[]'),
  ...of('expectations[].', 'text metric operator bound value isMet measured'),
  ...of('coverage.', 'kindsAsked[] faults[].kind faults[].injected faults[].proven faults[].recovered audit'),
  ...of('coverage.', 'filesCompleted filesVerified sumsOutstanding shortestGapSeconds'),
  ...of('latency[].', 'phase count censored p50Seconds p99Seconds maxSeconds'),
  ...of('recovery[].', 'kind count medianSeconds longestSeconds'),
  ...of('hostLate.', 'count totalSeconds longestSeconds'),
];

function of(path: string, names: string): string[] {
  return names.split(' ').map((name) => path + name);
}

/** The names of all fields, with the names of their own fields; for a list the names in its first element. */
function shapeOf(value: unknown, path = ''): string[] {
  if (Array.isArray(value)) return [`${path}[]`, ...(value.length === 0 ? [] : shapeOf(value[0], `${path}[]`))];
  if (typeof value !== 'object' || value === null) return [path];
  return Object.entries(value).flatMap(([name, field]) => shapeOf(field, path === '' ? name : `${path}.${name}`));
}

function documentOf(run: ReturnType<typeof toldRun>): Record<string, unknown> {
  return JSON.parse(JSON.stringify(verdictDocument(run)));
}

test('every field of the document is described, and none that scripts rely on is gone', (t) => {
  const run = violatedRun({
    expectations: [
      {
        text: 'p99<50ms',
        metric: 'p99',
        operator: '<',
        bound: 50e6,
        isMet: false,
        value: null,
        measured: 'not measured',
      },
    ],
  });
  const fields = shapeOf(documentOf(run));
  for (const field of FIELDS) t.true(fields.includes(field), field);
  const described = new Set(readFileSync(RESULTS_README, 'utf8').match(/\w+/g));
  for (const field of fields) {
    const name = field.replaceAll('[]', '').split('.').at(-1) ?? '';
    // Names of kinds and of summers are values here.
    if (!/\.(?:kinds|holders)\./.test(field)) t.true(described.has(name), field);
  }
});

test('times are seconds, and what was not measured is null and not 0', (t) => {
  const found = documentOf(violatedRun({ outcomes: new Map() }));
  t.like(found, {
    verdict: 'VIOLATED',
    exitCode: 10,
    rate: { offeredChunksPerSecond: 1_000, chunksPerSecond: null },
    latency: [],
    seed: 1,
    command: 'npx stream-sum soak --sla 500ms --seed 1',
  });
  const violations = found['violations'] as { readonly stories: readonly Record<string, unknown>[] };
  const [story] = violations.stories;
  t.like(story, {
    kinds: { late: 1 },
    slaSeconds: 0.5,
    fromSeconds: 11.3,
    toSeconds: 13.9,
    faults: [{ id: 4, kind: 'kill-broker', injectedSeconds: 11.3, healedSeconds: null, recoveredSeconds: null }],
    hostLate: { count: 1, totalSeconds: 0.8 },
    example: { kind: 'late', waitedSeconds: 2.6, offset: null },
  });
});

test('a phase that is too short for a rate has none', (t) => {
  t.like(documentOf(toldRun())['rate'], { chunksPerSecond: 20_000, sumsPerSecond: 199 });
  const short = { ...STEADY, window: { ...STEADY.window, seconds: 1e-9 } };
  const outcomes = new Map([['steady' as const, short]]);
  t.like(documentOf(toldRun({ outcomes }))['rate'], { chunksPerSecond: null, sumsPerSecond: null });
});

test('an expectation has its bound and its value in seconds, or in chunks a second', (t) => {
  const common = { operator: '<', isMet: true, measured: '' };
  const found = documentOf(
    toldRun({
      expectations: [
        { ...common, text: 'p99<50ms', metric: 'p99', bound: 50e6, value: 20e6 },
        { ...common, text: 'rate<5', metric: 'rate', bound: 5, value: 4.5 },
      ],
    }),
  );
  t.like(found['expectations'], { 0: { bound: 0.05, value: 0.02 }, 1: { bound: 5, value: 4.5 } });
});

test('advice stands in the document of a run that shows nothing, and in no other', (t) => {
  const reasons = ['no chunks flowed in the phase steady'];
  const found = documentOf(toldRun({ verdict: { verdict: 'INCONCLUSIVE', exitCode: 3, reasons }, exitCode: 3 }));
  t.is((found['advice'] as string[]).length, 1);
  t.deepEqual(documentOf(violatedRun())['advice'], []);
});
