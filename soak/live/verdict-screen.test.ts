import test from 'ava';
import { LIVE_FAMILIES, kindsOf } from '../guarantee/fault-kinds.ts';
import { fakeOptions } from './testing/fake-run.ts';
import { histogram, toldRun, violatedRun } from './testing/told-run.ts';
import { LINES_MAX, verdictScreen } from './verdict-screen.ts';

const ALL = kindsOf(LIVE_FAMILIES, { summers: 3 });
/** Every kind there is. One of them has not recovered. */
const MANY = {
  options: fakeOptions('results', { faults: LIVE_FAMILIES, summers: 3 }),
  faults: new Map(
    ALL.map((kind, index) => [kind, { injected: 1, proven: 1, recovered: index === 3 ? 0 : 1 }] as const),
  ),
  recovery: new Map(ALL.flatMap((kind, index) => (index === 3 ? [] : [[kind, histogram(500 + index)] as const]))),
  firstRecovery: new Map(ALL.map((kind) => [kind, histogram(400)] as const)),
};
const DOUBTFUL = {
  verdict: {
    verdict: 'INCONCLUSIVE',
    exitCode: 3,
    reasons: [
      'interrupted after 6.1 s, in the phase steady, before the first fault',
      ...ALL.map((kind) => `the fault ${kind} was asked for and never injected`),
      ...Array.from(
        { length: 20 },
        (_, index) => `chunker-${index} did not report to the end; 3 of its sums were open`,
      ),
    ],
  },
  exitCode: 3,
} as const;

for (const columns of [80, 100, 200]) {
  for (const [title, run] of [
    ['HOLDS', toldRun(MANY)],
    ['VIOLATED', violatedRun(MANY)],
    ['INCONCLUSIVE', toldRun({ ...MANY, ...DOUBTFUL })],
  ] as const) {
    test(`${title} is one screen at ${columns} columns: no line is too wide, but for a word that is`, (t) => {
      const screen = verdictScreen(run, columns);
      t.log(screen);
      const lines = screen.trimEnd().split('\n');
      t.true(lines.length <= LINES_MAX, `${lines.length} lines`);
      for (const line of lines) {
        const [, ...words] = line.trim().split(/ {2,}/);
        t.true(line.length <= Math.min(columns, 120) || words.join(' ').split(' ').length < 3, line);
      }
      t.regex(screen, new RegExp(`^${title}  `, 'm'));
    });
  }
}

test('a violation is told by its story: the SLA, the fault, the machine, an example, a log, and what to type', (t) => {
  const screen = verdictScreen(violatedRun(), 120);
  t.regex(screen, /^VIOLATED {2}late: 1 sum came later than the SLA of 500 ms \(2 of 5 fault kinds, 3 hits/m);
  t.regex(
    screen,
    /^ {2}meanwhile {3}all of it was found in the 2\.7 s until the run ended in which fault 4 was open:/m,
  );
  t.regex(screen, /^ {2}machine {5}the harness itself had to wait for 800 ms, longer than the SLA/m);
  t.regex(screen, /^ {2}example {5}file c0ffee0{9}1\w+11 \(journal sums\): the sum came 2\.600 s after/m);
  t.regex(screen, /^ {2}log {9}broker at 13\.10 s, warn: a commit took 700 ms$/m);
  t.regex(screen, /^ {2}evidence {4}results\/.*\/evidence\/witness\.txt$/m);
  t.regex(
    screen.replaceAll(/ \\\n +/g, ' '),
    /^ {2}explain {5}npx stream-sum explain results\/soak-\S+ --file c0ffee/m,
  );
  t.regex(screen, /^ {2}repeat {6}npx stream-sum soak --sla 500ms --seed 1$/m);
  t.regex(screen, /^ {2}data {8}\/tmp\/somewhere/m);
});

test('a violation says what no story tells: a process that failed, what could not be written', (t) => {
  const run = violatedRun({
    stories: [],
    otherReasons: ['summer-0: exited with 10', 'cannot write x: ENOENT'],
  });
  const screen = verdictScreen(run);
  t.regex(
    screen,
    /^VIOLATED {2}a guarantee broke [^]*^ {2}besides {5}summer-0: exited with 10\n {14}cannot write x: ENOENT$/m,
  );
  const many = Array.from({ length: 9 }, (_, index) => `summer-${index}: failed`);
  t.regex(verdictScreen(violatedRun({ otherReasons: many })), /^ {14}and 5 more in run\.json$/m);
});

test('an inconclusive run says its first cause first, and what to do', (t) => {
  const screen = verdictScreen(toldRun(DOUBTFUL), 120);
  t.regex(screen, /^INCONCLUSIVE {2}interrupted after 6\.1 s, in the phase steady, before the first fault \(/m);
  t.regex(screen, /^ {2}do {10}let it run to its end: --duration 2s and the drain; or ask for less$/m);
  t.regex(screen, new RegExp(`^ {2}besides {5}${ALL.length} kinds of faults were asked for and never injected: `, 'm'));
  t.regex(screen, /^ {2}do {10}read the last lines of logs\/chunker-0\.log, and of 19 others there$/m);
});

test('a run with several faults at once says how many pairs were open together, and of which families', (t) => {
  const options = { ...toldRun().options, faultsAtOnce: 2 };
  const overlaps = new Map([
    ['kill+pause', 3],
    ['kill+partition', 1],
  ]);
  const screen = verdictScreen(toldRun({ options, overlaps }));
  t.regex(screen, /3 hits, 4 pairs of\s+them open together, [\d,]+ files/);
  t.regex(screen, /together +kill\+pause 3, kill\+partition 1$/m);
  t.regex(verdictScreen(toldRun({ options })), /, 0 pairs of\s+them open together, [^]*together +no two faults$/m);
  t.notRegex(verdictScreen(toldRun()), /together/);
});

test('the line of a verdict that holds says how far its faults were apart', (t) => {
  t.regex(
    verdictScreen(toldRun(), 120).replaceAll(/\s+/g, ' '),
    /HOLDS each completed file got exactly one right sum in time \(2 of 5 fault kinds, 3 hits at least 1\.25 s apart, /,
  );
  t.notRegex(verdictScreen(toldRun({ faultGapNsMin: null })), /apart/);
});

test('faults are a table; where there is no room, those that lack something stay', (t) => {
  const screen = verdictScreen(toldRun());
  t.regex(screen, /^ {2}faults +hit {2}recovered +median +longest {2}first sum$/m);
  t.regex(screen, /^ {14}kill-broker +2 +2 +5\d\d ms +9\d\d ms +3\d\d ms$/m);
  t.regex(screen, /^ {14}kill-summer +1 +0 +- +- +-$/m);
  const crowded = verdictScreen(violatedRun(MANY), 80);
  t.regex(crowded, new RegExp(`^ {14}${ALL[3]} +1 +0 +-`, 'm'));
  t.regex(crowded, /and \d+ more kinds in faults\.csv, all recovered within 5\d\d ms$/m);
  // The next fault overtook each recovery.
  t.regex(
    verdictScreen({ ...violatedRun(MANY), recovery: new Map() }, 80),
    /more kinds in faults\.csv, all recovered$/m,
  );
});

test('recoveries that the next fault overtook are counted under the table', (t) => {
  t.notRegex(verdictScreen(toldRun()), /not in these times/);
  const faults = new Map([['kill-broker', { injected: 3, proven: 3, recovered: 3 }]]);
  t.regex(verdictScreen(toldRun({ faults })), /^ {14}1 recovery is not in these times: the next fault began before$/m);
});

test('expectations are told with what was measured, and a run that holds says how many are not met', (t) => {
  const bound = { metric: 'p99', operator: '<', bound: 50e6 };
  const screen = verdictScreen(
    toldRun({
      exitCode: 11,
      expectations: [
        { ...bound, text: 'p99<50ms', isMet: false, value: 64.8e6, measured: '64.8 ms' },
        { ...bound, text: 'p50<50ms', isMet: true, value: 20e6, measured: '20 ms' },
      ],
    }),
    120,
  );
  t.regex(screen, /^HOLDS {2}.* in time, but 1 of 2 expectations is not met/m);
  t.regex(screen, /^ {2}expected {4}p99<50ms: NOT MET, 64\.8 ms\n {14}p50<50ms: met, 20 ms$/m);
});

test('a run says of which engine it was, and how that was judged', (t) => {
  const screen = verdictScreen(toldRun(), 120);
  t.regex(screen, /^ {2}run {9}seed 1, .*, 4 partitions, 1 broker, ipc$/m);
  t.regex(screen, /^ {2}judged {6}late by the clock of each reader$/m);
});

test('a machine that kept the harness waiting is told of whatever the verdict', (t) => {
  const latenesses = [{ process: 'soak', fromNs: 2e9, toNs: 3.5e9, cpuNs: 0 }];
  t.regex(
    verdictScreen(toldRun({ latenesses }), 120),
    /^ {2}machine {5}in the whole run the harness itself had to wait for/m,
  );
  t.notRegex(verdictScreen(toldRun()), /machine/);
});
