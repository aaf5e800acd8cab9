import test from 'ava';
import { type AdviceFacts, adviceOn, durationFlag } from './advice.ts';

const FACTS: AdviceFacts = { durationMs: 60_000, rate: 2_000, waitedNs: 0, waitedNsMax: 0 };

function adviceOf(...reasons: readonly string[]): string {
  return adviceOn(reasons, FACTS)
    .map(({ advice }) => advice ?? '-')
    .join('; ');
}

test('an interruption is told first, and what only follows from it asks for nothing else', (t) => {
  const groups = adviceOn(
    [
      'interrupted after 6.1 s, in the phase steady, before the first fault',
      'faults were asked for but none took effect',
      'no sum was verified in the phase steady of 2 s',
    ],
    FACTS,
  );
  t.deepEqual(
    groups.map(({ advice }) => advice),
    ['let it run to its end: --duration 1m and the drain; or ask for less', null, null],
  );
});

test('reasons that differ in the kind of a fault alone are one line, with the first kinds', (t) => {
  const kinds = ['kill-broker', 'kill-summer', 'kill-chunker', 'pause-broker', 'pause-summer', 'pause-chunker'];
  const [group] = adviceOn(
    kinds.map((kind) => `the fault ${kind} was asked for and never injected`),
    FACTS,
  );
  t.deepEqual(group, {
    reasons: [
      '6 kinds of faults were asked for and never injected: ' +
        'kill-broker, kill-summer, kill-chunker, pause-broker and 2 more',
    ],
    advice: 'ask for --duration 2m, or for fewer --faults',
  });
  t.deepEqual(adviceOn(['the fault kill-broker never took effect'], FACTS)[0]?.reasons, [
    'the fault kill-broker never took effect',
  ]);
});

for (const [reason, advice] of [
  ['2 of 4 faults kill-summer were not seen to heal', /--duration 2m/],
  ['the fault 7 (kill-broker): no sum of partition 1 that was intended after it was verified', /--duration 2m/],
  ['no chunks flowed in the phase steady', /--rate 1000 or --duration 2m/],
  ['chunker-0 completed 10 files and verified 9', /--rate 1000/],
  ['time: no sum was timed: its stamp, or that of the end of its file, is unknown', /--audit end/],
  ['coverage: nobody was seen to own shard 3', /explain/],
  ['the journals were not followed: it fell behind', /--audit end/],
  ['the audit could not be made: no answer', /--audit end/],
  ['chunker-1 did not report to the end; 0 of its sums were outstanding', /logs\/chunker-1\.log/],
  ['summer-0: pid 7 exited unexpectedly with 1 (an internal error)', /logs\/summer-0\.log/],
  ['summer-0.2 did not stop within 5 s of SIGTERM and was killed', /logs\/summer-0\.2\.log/],
  ['broker was ended by a signal 2 times, of which 1 are accounted for', /logs\/broker\.log/],
  ['otherwise the guarantee held', /logs\//],
  ['cannot write results/x: ENOSPC', /make room/],
  ['there is no room for results/x', /make room/],
  ['the history has no end', /explain/],
] as const) {
  test(`something is said to do about: ${reason}`, (t) => t.regex(adviceOf(reason), advice));
}

test('a machine that kept the harness waiting is blamed for faults and flow, and one that did not is not', (t) => {
  const busy = { ...FACTS, waitedNs: 4.1e9, waitedNsMax: 1.2e9 };
  const reasons = ['2 of 4 faults kill-summer were not seen to heal'];
  t.regex(adviceOn(reasons, busy)[0]?.advice ?? '', /the machine was busy: .* wait for 4\.1 s, up to 1\.2 s; use/);
  t.notRegex(adviceOf(...reasons), /busy/);
});

test('a duration is told as it would be typed', (t) => {
  t.deepEqual([90_000, 120_000, 7_200_000, 172_800_000, 1_500].map(durationFlag), ['90s', '2m', '2h', '2d', '1500ms']);
});
