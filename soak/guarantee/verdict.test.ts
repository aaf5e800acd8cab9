import test from 'ava';
import type { Failure } from '../../src/fleet/exit-judgement.ts';
import { decideVerdict, type RunEvidence } from './verdict.ts';

const HOLDING: RunEvidence = {
  violations: [],
  violationCount: 0,
  failures: [],
  crashes: [],
  interrupted: 'no',
  phases: [
    { phase: 'warm-up', seconds: 6, chunksPublished: 100, sumsVerified: 0 },
    { phase: 'steady', seconds: 6, chunksPublished: 100, sumsVerified: 5 },
  ],
  sumsVerified: 10,
  faultsAsked: ['kill-broker', 'kill-chunker', 'kill-summer', 'kill-all-summers'],
  faults: new Map([
    ['kill-broker', { injected: 1, proven: 1, recovered: 1 }],
    ['kill-chunker', { injected: 2, proven: 2, recovered: 2 }],
    ['kill-summer', { injected: 1, proven: 1, recovered: 1 }],
    ['kill-all-summers', { injected: 1, proven: 1, recovered: 1 }],
  ]),
  chunkers: [
    { process: 'chunker-0', drained: { verifiedTotal: 10, filesCompletedTotal: 10 }, sumsOutstanding: 0 },
    { process: 'chunker-1', drained: { verifiedTotal: 1, filesCompletedTotal: 1 }, sumsOutstanding: 0 },
  ],
  unproven: [],
};

const FAILURE: Failure = {
  process: 'summer-1',
  what: 'pid 7 exited unexpectedly with 1 (an internal error)',
  exitCode: 1,
  beforeReady: false,
  lastLogLines: ['disk is full'],
};

test('with all its evidence a run holds', (t) => {
  t.deepEqual(decideVerdict(HOLDING), { verdict: 'HOLDS', exitCode: 0, reasons: [] });
  t.is(decideVerdict({ ...HOLDING, interrupted: 'drained' }).verdict, 'HOLDS');
});

const INCONCLUSIVE: readonly (readonly [title: string, change: Partial<RunEvidence>, reason: string])[] = [
  ['no phase', { phases: [] }, 'no phase was finished'],
  [
    'a phase without chunks',
    { phases: [...HOLDING.phases, { phase: 'heal', seconds: 6, chunksPublished: 0, sumsVerified: 0 }] },
    'no chunks flowed in the phase heal',
  ],
  [
    'a phase without sums, however short',
    { phases: [...HOLDING.phases, { phase: 'heal', seconds: 0.5, chunksPublished: 10, sumsVerified: 0 }] },
    'no sum was verified in the phase heal of 500 ms',
  ],
  [
    'a kind of fault that was asked for and never came',
    { faults: new Map([...HOLDING.faults].slice(1)) },
    'the fault kill-broker was asked for and never injected',
  ],
  ['no sums', { sumsVerified: 0 }, 'no sums were verified'],
  [
    'a chunker that did nothing',
    {
      chunkers: [
        ...HOLDING.chunkers,
        { process: 'chunker-2', drained: { verifiedTotal: 0, filesCompletedTotal: 0 }, sumsOutstanding: 0 },
      ],
    },
    'chunker-2 completed no file',
  ],
  ['no faults although they were asked for', { faults: new Map() }, 'faults were asked for but none took effect'],
  [
    'faults that hit nothing',
    { faults: new Map([['kill-broker', { injected: 3, proven: 0, recovered: 0 }]]) },
    'faults were asked for but none took effect',
  ],
  [
    'a kind that hit nothing',
    { faults: new Map([...HOLDING.faults, ['kill-summer', { injected: 1, proven: 0, recovered: 0 }]]) },
    'the fault kill-summer never took effect',
  ],
  [
    'a sum that counts twice in its phase',
    { sumsSampled: HOLDING.sumsVerified + 1 },
    `the phases count ${HOLDING.sumsVerified + 1} sums, and the meters ${HOLDING.sumsVerified}`,
  ],
  [
    'a fault that was not seen to hit',
    { faults: new Map([...HOLDING.faults, ['kill-summer', { injected: 5, proven: 4, recovered: 4 }]]) },
    '1 of 5 faults kill-summer were not seen to hit',
  ],
  [
    'no sum after a fault',
    { faults: new Map([...HOLDING.faults, ['kill-summer', { injected: 4, proven: 4, recovered: 3 }]]) },
    '1 of 4 faults kill-summer have not recovered in every partition that they hit',
  ],
  [
    'a chunker that did not report to the end',
    { chunkers: [{ process: 'chunker-0', drained: null, sumsOutstanding: 1_234 }] },
    'chunker-0 did not report to the end; 1,234 of its sums were outstanding',
  ],
  [
    'files without a sum',
    {
      chunkers: [{ process: 'chunker-0', drained: { verifiedTotal: 9, filesCompletedTotal: 10 }, sumsOutstanding: 0 }],
    },
    'chunker-0 completed 10 files and verified 9',
  ],
  ['a stop at once', { interrupted: 'at once' }, 'stopped by the user before everything was verified'],
  ['a check that could not be made', { unproven: ['the audit could not be made'] }, 'the audit could not be made'],
];
for (const [title, change, reason] of INCONCLUSIVE) {
  test(`${title} is inconclusive`, (t) => {
    t.deepEqual(decideVerdict({ ...HOLDING, ...change }), { verdict: 'INCONCLUSIVE', exitCode: 3, reasons: [reason] });
  });
}

test('without faults none need to have hit', (t) => {
  t.is(decideVerdict({ ...HOLDING, faultsAsked: [], faults: new Map() }).verdict, 'HOLDS');
});

test('a failed process is named with its last words, and exits 1', (t) => {
  t.deepEqual(decideVerdict({ ...HOLDING, failures: [FAILURE] }), {
    verdict: 'INCONCLUSIVE',
    exitCode: 1,
    reasons: [`summer-1: ${FAILURE.what}`, "  summer-1's log: disk is full"],
  });
});

test('a process that refused its arguments at its start makes it bad usage, later on a failure', (t) => {
  const refused: Failure = { ...FAILURE, exitCode: 2, beforeReady: true };
  t.is(decideVerdict({ ...HOLDING, failures: [refused] }).exitCode, 2);
  t.is(decideVerdict({ ...HOLDING, failures: [{ ...refused, beforeReady: false }] }).exitCode, 1);
});

test('a violation beats everything, and is named once', (t) => {
  const found = decideVerdict({
    ...HOLDING,
    sumsVerified: 0,
    violations: [{ process: 'summer-1', kind: 'gap', journal: 'chunks-3', offset: 9, detail: 'expected 5, found 7' }],
    violationCount: 3,
    failures: [{ ...FAILURE, exitCode: 10 }],
  });
  t.deepEqual(found, {
    verdict: 'VIOLATED',
    exitCode: 10,
    reasons: ['summer-1: gap journal=chunks-3 offset=9: expected 5, found 7', 'and 2 more in violations.csv'],
  });
});

test('exit 10 is a violation even when its process did not say which', (t) => {
  const found = decideVerdict({ ...HOLDING, failures: [{ ...FAILURE, exitCode: 10 }] });
  t.is(found.verdict, 'VIOLATED');
  t.is(found.reasons[0], `summer-1: ${FAILURE.what}`);
});

test('a process that nobody killed and that died makes no run hold, whatever else was shown, and is always named', (t) => {
  const crash = { ...FAILURE, process: 'summer-0', what: 'pid 7 was ended by SIGABRT', exitCode: null };
  const crashed = { ...HOLDING, crashes: [crash] };
  for (const [evidence, verdict, exitCode] of [
    [crashed, 'INCONCLUSIVE', 1],
    [{ ...crashed, failures: [FAILURE] }, 'INCONCLUSIVE', 1],
    [{ ...crashed, sumsVerified: 0 }, 'INCONCLUSIVE', 1],
    [
      { ...crashed, violationCount: 1, violations: [{ process: 'summer-1', kind: 'gap', detail: 'x' }] },
      'VIOLATED',
      10,
    ],
  ] as const) {
    const found = decideVerdict(evidence);
    t.like(found, { verdict, exitCode });
    t.true(found.reasons.includes('summer-0: pid 7 was ended by SIGABRT'), found.reasons.join('\n'));
  }
});
