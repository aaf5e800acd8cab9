// The ends of processes that faults account for.

import test from 'ava';
import { recounted } from './checkers/testing/planted.ts';
import { chunker, soakHistory } from './checkers/testing/soak-history.ts';
import { also, judged, verdictOf } from './checkers/testing/story-verdict.ts';
import type { Happening } from './history.ts';
import type { Verdict } from './verdict.ts';

test('an owner that was replaced by a takeover ends as such, and one that nobody replaced does not', (t) => {
  const replaced = { event: 'ended', process: 'summer-0', exitCode: 12 } as const;
  const takeover = { id: 80, kind: 'takeover-running', target: 'summer-0' } as const;
  const taken = [
    { event: 'fault', ...takeover },
    { event: 'fault-effective', ...takeover },
    { event: 'fault-healed', ...takeover },
    { event: 'fault-recovered', ...takeover },
    { event: 'faults-due', count: 6 },
  ] as const;
  t.deepEqual(verdictOf(also(...taken, replaced)).reasons, []);
  t.deepEqual(verdictOf(also(replaced)).reasons, ['summer-0 was replaced 1 times, of which 0 are accounted for']);
});

const SUCCESSOR = {
  event: 'said',
  process: 'chunker-1',
  said: {
    event: 'ready',
    component: 'chunker',
    pid: 2,
    producer: 'c0ffee00000000aa',
    chunkerNumber: 1,
    resumed: false,
    verifiedTotal: 0,
  },
} as const;
const DRAINED = {
  event: 'said',
  process: 'chunker-1',
  said: { event: 'drained', verifiedTotal: 2, filesCompletedTotal: 2 },
} as const;

/** chunker-1 has verified a file and never drains; what happens before the drain, in which two more are counted. */
function afterOneFile(...happenings: readonly Happening[]): Verdict {
  const chunkers = [chunker('chunker-0', 10), { ...chunker('chunker-1', 1), drained: null }];
  const events = soakHistory({ chunkers, sumsCountedTwice: 2 });
  const at = events.findIndex((event) => event.event === 'phase' && event.phase === 'drain');
  const atNs = events[at]?.atNs ?? 0;
  return judged(recounted(events.toSpliced(at, 0, ...happenings.map((happening) => ({ atNs, ...happening })))));
}

test('a chunker that was retired is not waited for, and who came in its place is', (t) => {
  const retired = { event: 'retired', process: 'chunker-1', producer: 'c0ffee0000000001' } as const;
  t.deepEqual(afterOneFile(retired, SUCCESSOR, DRAINED).reasons, []);
  t.deepEqual(afterOneFile(retired, SUCCESSOR).reasons, [
    'the phases count 13 sums, and the meters 11',
    'chunker-1 did not report to the end; 0 of its sums were outstanding',
  ]);
  t.regex(afterOneFile(SUCCESSOR, DRAINED).reasons.join(), /producer c0ffee0000000001 came back as c0ffee00000000aa/);
});

test('the end of a retired chunker is accounted for once', (t) => {
  const killed = { event: 'ended', process: 'chunker-0', exitCode: null } as const;
  const fault = { id: 80, kind: 'retire-chunker', target: 'chunker-0' } as const;
  const retired = [
    { event: 'fault', ...fault },
    killed,
    { event: 'fault-effective', ...fault },
    { event: 'fault-healed', ...fault },
    { event: 'fault-recovered', ...fault },
    { event: 'faults-due', count: 6 },
  ] as const;
  t.deepEqual(verdictOf(also(...retired)).reasons, []);
  t.is(verdictOf(also(...retired, killed)).verdict, 'INCONCLUSIVE');
});

test('a kill accounts for an end by a signal while it is under way, and for none after that', (t) => {
  const killed = { event: 'ended', process: 'summer-0', exitCode: null } as const;
  const first = { id: 80, kind: 'kill-summer', target: 'summer-0' } as const;
  const second = { ...first, id: 81 } as const;
  const missed = [
    { event: 'fault', ...first },
    { event: 'fault-missed', ...first },
  ] as const;
  const again = [
    { event: 'fault', ...second, insteadOf: 80 },
    killed,
    { event: 'fault-effective', ...second },
    { event: 'fault-healed', ...second },
    { event: 'fault-recovered', ...second },
    { event: 'faults-due', count: 6 },
  ] as const;
  t.deepEqual(verdictOf(also(...missed, ...again)).reasons, []);
  for (const ended of [
    [...missed, killed, ...again],
    [...missed, ...again, killed],
  ]) {
    t.deepEqual(verdictOf(also(...ended)).reasons, [
      'summer-0 was ended by a signal 4 times, of which 3 are accounted for',
    ]);
  }
});

test('an exit by which an older build refuses its folder is accounted for by a downgrade, and no other one is', (t) => {
  const refused = { event: 'ended', process: 'broker', exitCode: 2 } as const;
  const fault = { id: 80, kind: 'downgrade-broker', target: 'broker' } as const;
  const downgraded = [
    { event: 'fault', ...fault },
    { event: 'fault-effective', ...fault },
    { event: 'fault-healed', ...fault },
    { event: 'fault-recovered', ...fault },
    { event: 'faults-due', count: 6 },
  ] as const;
  t.deepEqual(verdictOf(also(...downgraded, refused)).reasons, []);
  const unaccounted = ['broker exited with 2, and nothing says why'];
  t.deepEqual(verdictOf(also(...downgraded, refused, refused)).reasons, unaccounted);
  t.deepEqual(verdictOf(also(refused)).reasons, unaccounted);
});
