import test from 'ava';
import type { Failure } from '../../src/fleet/exit-judgement.ts';
import { makeSoakCheckers } from './checkers/index.ts';
import { recounted } from './checkers/testing/planted.ts';
import { HOLDING, type SoakStory, chunker, soakHistory } from './checkers/testing/soak-history.ts';
import { also, judged, verdictOf } from './checkers/testing/story-verdict.ts';
import type { HistoryEvent } from './history.ts';
import { decideVerdict } from './verdict.ts';

const FAILURE: Failure = {
  process: 'summer-0',
  what: 'pid 7 exited unexpectedly with 1 (an internal error)',
  exitCode: 1,
  beforeReady: false,
  lastLogLines: ['disk is full'],
};
const FAILED = [
  { event: 'ended', process: 'summer-0', exitCode: 1 },
  { event: 'failed', ...FAILURE },
  { event: 'halted' },
] as const;
const CRASHED = [
  { event: 'ended', process: 'summer-0', exitCode: null },
  { event: 'crashed', ...FAILURE, what: 'pid 7 was ended by SIGABRT', exitCode: null },
] as const;
const VIOLATION = {
  event: 'violation',
  process: 'summer-0',
  kind: 'gap',
  journal: 'chunks-3',
  offset: 9,
  detail: 'expected 5, found 7',
} as const;
const STOPPED = [{ event: 'interrupted', how: 'at once' }, { event: 'halted' }] as const;

test('with all its evidence a run holds', (t) => {
  t.deepEqual(verdictOf({}), { verdict: 'HOLDS', exitCode: 0, reasons: [] });
  t.is(verdictOf(also({ event: 'interrupted', how: 'drained' })).verdict, 'HOLDS');
});

const INCONCLUSIVE: readonly (readonly [title: string, change: Partial<SoakStory>, reason: string])[] = [
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
  [
    'a chunker that did nothing',
    { chunkers: [...HOLDING.chunkers, chunker('chunker-2', 0)] },
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
  ['a sum that counts twice in its phase', { sumsCountedTwice: 1 }, 'the phases count 12 sums, and the meters 11'],
  [
    'a sum that counts twice in a report',
    { chunkers: [{ ...chunker('chunker-0', 10), verified: 12 }, chunker('chunker-1', 1)] },
    'the meters count 13 sums, and the chunkers 11',
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
    { chunkers: [{ process: 'chunker-0', verified: 11, drained: null, sumsOutstanding: 1_234 }] },
    'chunker-0 did not report to the end; 1,234 of its sums were outstanding',
  ],
  [
    'files without a sum',
    { chunkers: [{ ...chunker('chunker-0', 9), drained: { verifiedTotal: 9, filesCompletedTotal: 10 } }] },
    'chunker-0 completed 10 files and verified 9',
  ],
  [
    'a stop at once',
    also(...STOPPED),
    'stopped by the user before everything was verified, after 55 ms, in the phase drain, after 5 faults',
  ],
  [
    'a check that could not be made',
    { others: [{ event: 'audited', error: 'no answer' }] },
    'the audit could not be made: no answer',
  ],
  ['a check that was not made', { others: [] }, 'nothing says that the audit at the end was made'],
  [
    'a process that had to be killed',
    also({ event: 'ended', process: 'broker', exitCode: null }, { event: 'doubt', reason: 'hung', process: 'broker' }),
    'hung',
  ],
];
/** The harness never writes one of these alone: the other half is missing here. */
const HALVES: typeof INCONCLUSIVE = [
  ['an end before its time', also({ event: 'halted' }), 'the run was ended early'],
  [
    'an end by a signal of which nobody knows',
    also({ event: 'ended', process: 'broker', exitCode: null }),
    'broker was ended by a signal 2 times, of which 1 are accounted for',
  ],
  [
    'an exit of which nobody knows why',
    also({ event: 'ended', process: 'broker', exitCode: 1 }),
    'broker exited with 1, and nothing says why',
  ],
  [
    'journals that should have been followed',
    also({ event: 'unfollowed', reason: 'no answer', leavesDoubt: true }),
    'the journals were not followed: no answer',
  ],
];
for (const [title, change, reason] of [...INCONCLUSIVE, ...HALVES]) {
  test(`${title} is inconclusive`, (t) => {
    t.deepEqual(verdictOf(change), { verdict: 'INCONCLUSIVE', exitCode: 3, reasons: [reason] });
  });
}

test('no sums are inconclusive', (t) => {
  const idle = { phases: HOLDING.phases.slice(0, 1), chunkers: [chunker('chunker-0', 0)] };
  t.deepEqual(verdictOf(idle).reasons, ['no sums were verified', 'chunker-0 completed no file']);
});

test('what an interrupted run could not show is said to be so', (t) => {
  const found = verdictOf({ faults: new Map(), ...also({ event: 'interrupted', how: 'drained' }) });
  t.deepEqual(found.reasons, [
    'interrupted after 25 ms, in the phase drain, before the first fault',
    'faults were asked for but none took effect',
  ]);
});

/** A fault that missed, a fault whose proof was wrong, and the fault in its place. */
const REDRAWN = [
  { event: 'fault', id: 90, kind: 'pause-broker', target: 'broker' },
  { event: 'fault-effective', id: 90, kind: 'pause-broker', target: 'broker' },
  { event: 'fault-refuted', id: 90, kind: 'pause-broker', target: 'broker' },
  { event: 'fault', id: 91, kind: 'pause-broker', target: 'broker', insteadOf: 90 },
  { event: 'faults-due', count: 6 },
] as const;
const IN_ITS_PLACE = [
  { event: 'fault-effective', id: 91, kind: 'pause-broker', target: 'broker' },
  { event: 'fault-healed', id: 91, kind: 'pause-broker', target: 'broker' },
  { event: 'fault-recovered', id: 91, kind: 'pause-broker', target: 'broker' },
] as const;

test('a fault that missed needs another one in its place, which counts as it', (t) => {
  t.deepEqual(verdictOf(also(...REDRAWN, ...IN_ITS_PLACE)).reasons, []);
  t.deepEqual(verdictOf(also(...REDRAWN)).reasons, ['the fault pause-broker never took effect']);
});

test('without faults none need to have hit', (t) => {
  t.is(verdictOf({ faultKinds: [], faults: new Map() }).verdict, 'HOLDS');
});

test('a failed process is named with its last words, and exits 1', (t) => {
  t.deepEqual(verdictOf(also(...FAILED)), {
    verdict: 'INCONCLUSIVE',
    exitCode: 1,
    reasons: [`summer-0: ${FAILURE.what}`, "  summer-0's log: disk is full"],
  });
});

test('a process that refused its arguments at its start makes it bad usage, later on a failure', (t) => {
  const refused = { event: 'failed', ...FAILURE, exitCode: 2, beforeReady: true } as const;
  t.is(verdictOf(also(refused)).exitCode, 2);
  t.is(verdictOf(also({ ...refused, beforeReady: false })).exitCode, 1);
});

test('a violation beats everything, and is named once', (t) => {
  const others = [VIOLATION, { event: 'failed', ...FAILURE, exitCode: 10 }, { event: 'halted' }] as const;
  t.deepEqual(verdictOf({ ...also(...others), faults: new Map() }), {
    verdict: 'VIOLATED',
    exitCode: 10,
    reasons: ['summer-0: gap journal=chunks-3 offset=9: expected 5, found 7'],
  });
});

test('violations that are not shown are counted, with the file that has them', (t) => {
  const checkers = makeSoakCheckers();
  const others = Array.from({ length: 23 }, (_, offset) => ({ ...VIOLATION, offset }));
  for (const event of soakHistory(also(...others))) for (const checker of checkers) checker.observe(event);
  const { reasons } = decideVerdict(
    checkers.map((checker) => checker.finish()),
    { othersIn: 'violations.csv' },
  );
  t.is(reasons.length, 21);
  t.is(reasons.at(-1), 'and 3 more in violations.csv');
});

test('exit 10 is a violation even when its process did not say which', (t) => {
  const failure = { event: 'failed', ...FAILURE, exitCode: 10 } as const;
  const found = verdictOf(also({ event: 'ended', process: 'summer-0', exitCode: 10 }, failure));
  t.is(found.verdict, 'VIOLATED');
  t.deepEqual(found.reasons, [`summer-0: ${FAILURE.what}`, "  summer-0's log: disk is full"]);
});

test('a run in which a process died that nobody killed does not hold, and its reasons name the process', (t) => {
  for (const [change, verdict, exitCode] of [
    [also(...CRASHED), 'INCONCLUSIVE', 1],
    [also(...CRASHED, ...FAILED), 'INCONCLUSIVE', 1],
    [{ ...also(...CRASHED), phases: [] }, 'INCONCLUSIVE', 1],
    [also(...CRASHED, VIOLATION), 'VIOLATED', 10],
  ] as const) {
    const found = verdictOf(change);
    t.like(found, { verdict, exitCode });
    t.true(found.reasons.includes('summer-0: pid 7 was ended by SIGABRT'), found.reasons.join('\n'));
  }
  t.deepEqual(verdictOf(also(...CRASHED)).reasons.slice(-1), ['otherwise the guarantee held']);
});

test('a chunker that forgot what it had verified is a violation of its own', (t) => {
  const events = soakHistory();
  const at = events.findIndex(({ event }) => event === 'fault');
  const ready = events.find((event) => event.event === 'said' && event.said.event === 'ready');
  t.truthy(ready);
  if (ready === undefined) return;
  const found = judged(recounted(events.toSpliced(at, 0, { ...ready, atNs: events[at]?.atNs ?? 0 })));
  t.deepEqual(found.reasons, ['chunker-0: state-behind: 10 files were durably verified, 0 after the restart']);
});

/** Faults that end no process hit the summer. */
const HURT: SoakStory = {
  ...HOLDING,
  faultKinds: [...HOLDING.faultKinds, 'pause-summer', 'partition-delay'],
  faults: new Map([
    ...HOLDING.faults,
    ['pause-summer', { injected: 1, proven: 1, recovered: 1 }],
    ['partition-delay', { injected: 1, proven: 1, recovered: 1 }],
  ]),
};

/** The same history of a run that was to have two faults at once. */
function asked(events: readonly HistoryEvent[]): HistoryEvent[] {
  return events.map((event) => (event.event === 'run' ? { ...event, faultsAtOnce: 2 } : event));
}

test('a run that was to have several faults at once shows that two were open together', (t) => {
  const told = ['up to 2 faults at once were asked for, and no two were open together'];
  t.deepEqual(judged(asked(soakHistory(HURT))), { verdict: 'INCONCLUSIVE', exitCode: 3, reasons: told });
  const pause = { id: 80, kind: 'pause-summer', target: 'summer-1' } as const;
  const kill = { id: 81, kind: 'kill-broker', target: 'broker' } as const;
  const together = also(
    ...[pause, kill].map((fault) => ({ event: 'fault', ...fault }) as const),
    { event: 'ended', process: 'broker', exitCode: null },
    ...[pause, kill].map((fault) => ({ event: 'fault-effective', ...fault }) as const),
    ...[pause, kill].map((fault) => ({ event: 'fault-healed', ...fault }) as const),
    ...[pause, kill].map((fault) => ({ event: 'fault-recovered', ...fault }) as const),
    { event: 'faults-due', count: 7 },
  );
  t.deepEqual(judged(asked(soakHistory(together))).reasons, []);
});

test('a fault that ends no process accounts for no end by a signal', (t) => {
  t.is(verdictOf(HURT).verdict, 'HOLDS');
  const ended = { event: 'ended', process: 'summer-0', exitCode: null } as const;
  t.deepEqual(verdictOf({ ...HURT, others: [...HURT.others, ended] }).reasons, [
    'summer-0 was ended by a signal 3 times, of which 2 are accounted for',
  ]);
});

test('no event that is lost on its way, or was never written, makes the verdict on a soak better', (t) => {
  const stories: readonly (readonly [string, Partial<SoakStory>])[] = [
    ...INCONCLUSIVE.map(([title, change]) => [title, change] as const),
    ['a fault whose proof was wrong', also(...REDRAWN)],
    ['a failure', also(...FAILED)],
    ['a crash', also(...CRASHED)],
    ['a crash of what a fault hits without killing it', { ...HURT, others: [...HURT.others, ...CRASHED] }],
    ['a violation and its exit', also(VIOLATION, { event: 'ended', process: 'summer-0', exitCode: 10 })],
  ];
  for (const [title, change] of stories) {
    const events = soakHistory(change);
    t.not(judged(events).verdict, 'HOLDS', title);
    for (const place of events.keys()) {
      const { event } = events[place] ?? { event: 'none' };
      const rest = events.toSpliced(place, 1);
      t.not(judged(rest).verdict, 'HOLDS', `${title}, without ${event} at ${place}`);
      t.not(judged(recounted(rest)).verdict, 'HOLDS', `${title}, ${event} never written at ${place}`);
    }
  }
});

test('whatever a soak that holds has not written is missed', (t) => {
  const events = soakHistory();
  // The later reports of a process include its first one.
  const unneeded = new Set<HistoryEvent['event']>(['ready', 'phase', 'ended', 'unfollowed']);
  for (const place of events.keys()) {
    const event = events[place];
    if (event === undefined || unneeded.has(event.event)) continue;
    if (event.event === 'said' && event.said.event === 'progress') continue;
    const rest = recounted(events.toSpliced(place, 1));
    t.not(judged(rest).verdict, 'HOLDS', `${event.event} at ${place}`);
  }
});
