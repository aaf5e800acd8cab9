import test from 'ava';
import { type Fault, faultLanes, momentMatrix, momentsOf, openAt, outcomesByKind, readFaults } from './faults.ts';

const FAULT: Fault = {
  id: '1',
  kind: 'kill-summer',
  target: 'summer-0',
  moment: 'random',
  injectedS: 10,
  provenS: 10.1,
  healedS: 11,
  recoveredS: 11.5,
  gapS: 1.25,
  evidence: 'exit signal SIGKILL',
  overlaps: '',
  isOvertaken: false,
  isAgain: false,
};
const MISSED: Fault = { ...FAULT, id: '2', injectedS: 20, provenS: null, healedS: null, recoveredS: null, gapS: null };

test('a fault is read as it was written, and what did not happen is null', (t) => {
  const text =
    'id,kind,target,moment,planned_s,injected_s,proven_s,healed_s,recovered_s,evidence,instead_of,longest_gap_s\r\n' +
    '1,kill-summer,summer-0,random,9,10,10.1,11,11.5,exit signal SIGKILL,,1.25\r\n' +
    '2,kill-summer,summer-0,random,19,20,,,,"not seen, at all",1,\r\n';
  t.deepEqual(readFaults(Buffer.from(text)), [FAULT, { ...MISSED, evidence: 'not seen, at all', isAgain: true }]);
});

test('a kind that was asked for and never came has zeros; times are of proven faults alone', (t) => {
  const outcomes = outcomesByKind([FAULT, MISSED, { ...FAULT, recoveredS: 13 }], ['kill-broker', 'kill-summer']);
  t.deepEqual(outcomes[0], {
    kind: 'kill-broker',
    injected: 0,
    proven: 0,
    healed: 0,
    recovered: 0,
    medianS: null,
    longestS: null,
    longestGapS: null,
    overtaken: 0,
    together: 0,
  });
  t.like(outcomes[1], {
    injected: 3,
    proven: 2,
    healed: 2,
    recovered: 2,
    medianS: 1.5,
    longestS: 3,
    longestGapS: 1.25,
  });
});

test('the recovery of a fault that was overtaken is counted and not timed', (t) => {
  const [outcome] = outcomesByKind([FAULT, { ...FAULT, recoveredS: 60, isOvertaken: true }], ['kill-summer']);
  t.like(outcome, { recovered: 2, overtaken: 1, medianS: 1.5, longestS: 1.5 });
});

test('the matrix counts proven faults by whatever moments there are', (t) => {
  const faults = [FAULT, { ...FAULT, moment: 'appending' }, { ...FAULT, moment: 'appending' }, MISSED];
  t.deepEqual(momentMatrix(faults, ['kill-summer', 'kill-broker']), {
    moments: ['appending', 'random'],
    rows: [
      { kind: 'kill-summer', counts: [2, 1] },
      { kind: 'kill-broker', counts: [0, 0] },
    ],
  });
});

test('a fault of several processes, or of one in two moments, counts at each of them once', (t) => {
  t.deepEqual(momentsOf('broker: in a commit; summer-0: idle + in a commit'), ['in a commit', 'idle']);
  t.deepEqual([momentsOf('appending'), momentsOf('')], [['appending'], ['not known']]);
});

test('a fault says with which others it was open, and its kind how many were', (t) => {
  const header = 'id,kind,target,injected_s,proven_s,healed_s,recovered_s,overlaps';
  const faults = readFaults(Buffer.from(`${header}\r\n4,kill-summer,summer-0,1,1.1,2,3,5 6\r\n`));
  t.is(faults[0]?.overlaps, '5 6');
  t.is(outcomesByKind([...faults, FAULT, { ...MISSED, overlaps: '5' }], [])[0]?.together, 1);
  t.regex(faultLanes(faults, 10).items[0]?.text ?? '', /^open together with fault 5, 6$/m);
  t.notRegex(faultLanes([FAULT], 10).items[0]?.text ?? '', /together/);
});

function open(faults: readonly Fault[], atS: number): number {
  return openAt(faults, atS).length;
}

test('a fault is open until it has recovered; one that was proven and did not recover stays open', (t) => {
  t.deepEqual([open([FAULT], 9), open([FAULT], 10), open([FAULT], 11.5), open([FAULT], 12)], [0, 1, 1, 0]);
  t.is(open([{ ...FAULT, recoveredS: null }], 1_000), 1);
  t.is(open([MISSED], 30), 0);
});

test('faults of days are drawn together, and say how many they are', (t) => {
  const many = Array.from({ length: 50_000 }, (_, index) => ({
    ...FAULT,
    kind: index % 2 === 0 ? 'kill-summer' : 'kill-broker',
    injectedS: index * 5,
    provenS: index * 5 + 0.1,
    healedS: index * 5 + 1,
    recoveredS: index * 5 + 1 + (index % 7),
  }));
  const { kinds, items } = faultLanes(many, 250_000);
  t.deepEqual(kinds, ['kill-broker', 'kill-summer']);
  t.true(items.length <= 2 * 601, `${items.length}`);
  const counted = items.map(({ text }) => Number(/^(\d+) faults: /.exec(text)?.[1]));
  t.is(
    counted.reduce((sum, count) => sum + count, 0),
    50_000,
  );
  t.regex(items[0]?.text ?? '', /the longest recovery took 7\.000 s/);
});

test('faults that are drawn together are open to the end when one of them is', (t) => {
  const many = Array.from({ length: 2_000 }, (_, index) => ({ ...FAULT, injectedS: index, recoveredS: index + 2 }));
  t.like(faultLanes([...many, { ...MISSED, injectedS: 1_999 }], 2_000).items.at(-1), { recoveredS: 2_001 });
  const lasting = { ...FAULT, injectedS: 1_999, healedS: null, recoveredS: null };
  const last = faultLanes([...many, lasting], 2_000).items.at(-1);
  t.like(last, { healedS: null, recoveredS: null });
  t.regex(last?.text ?? '', /, 1 not recovered, the longest/);
});
