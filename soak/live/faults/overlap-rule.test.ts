import test from 'ava';
import fc from 'fast-check';
import { FAULT_KINDS, LIVE_FAMILIES, familyOf, kindsOf } from '../../guarantee/fault-kinds.ts';
import { isShortEnough, mayOverlap } from './overlap-rule.ts';
import type { PlannedFault } from './planned-fault.ts';
import { faultSchedule } from './schedule.ts';

type Hit = Pick<PlannedFault, 'kind' | 'targets'>;

function hit(text: string): Hit {
  const [kind = '', ...targets] = text.split(' ');
  const known = FAULT_KINDS.find((name) => name === kind);
  if (known === undefined) throw new TypeError(`no kind is named ${kind}`);
  return { kind: known, targets };
}

const TOGETHER = [
  'kill-summer summer-0, partition-drop chunker-1',
  'pause-summer summer-0, partition-refuse summer-1',
  'kill-broker broker, pause-summer summer-0',
  'kill-summer summer-0, kill-broker broker',
  'kill-summer summer-0, pause-broker broker',
  'kill-all-summers summer-0 summer-1, pause-chunker chunker-0',
  'takeover-paused summer-0, kill-summer summer-1',
  'takeover-running summer-0, partition-drop summer-1',
  'retire-chunker chunker-0, kill-all-summers summer-0 summer-1',
  'partition-drop summer-0, partition-slice summer-1 chunker-0',
  'partition-drop auditor, kill-chunker chunker-0',
  'upgrade-summer summer-0 summer-1, pause-chunker chunker-0',
];
const NEVER = [
  // The same process.
  'kill-summer summer-0, pause-summer summer-0',
  'pause-everything broker summer-0 chunker-0, kill-chunker chunker-0',
  'restart-each broker summer-0 chunker-0, kill-summer summer-0',
  // The same link.
  'partition-drop summer-0, partition-delay summer-0 chunker-1',
  // One end of a link that is to be seen to be cut does not run.
  'partition-drop summer-0, kill-summer summer-0',
  'partition-drop summer-0, pause-broker broker',
  'partition-drop auditor, kill-broker broker',
  // Whoever takes over or retires needs the broker, and the link to it.
  'takeover-running summer-0, kill-broker broker',
  'takeover-dead summer-0, partition-delay summer-0',
  'retire-chunker chunker-0, pause-broker broker',
  'upgrade-chunker chunker-0, kill-broker broker',
  'restart-all broker summer-0, partition-drop summer-0',
  // A cluster is not promised to survive two of them.
  'member-kill-broker broker-1, network-etcd etcd-1',
  'member-kill-broker broker-1, kill-summer summer-0',
];

test('faults may be open together when neither touches what the other one touches or needs', (t) => {
  for (const [pairs, may] of [
    [TOGETHER, true],
    [NEVER, false],
  ] as const) {
    for (const pair of pairs) {
      const [one, other] = pair.split(', ').map(hit) as [Hit, Hit];
      t.is(mayOverlap(one, other), may, pair);
      t.is(mayOverlap(other, one), may, pair);
    }
  }
});

test('no fault may be open together with itself', (t) => {
  for (const { kind, targets } of faultSchedule({ ...SHAPE, seed: 1, lengthMs: 600_000 }))
    t.false(mayOverlap({ kind, targets }, { kind, targets }), kind);
});

function from(beginMs: number, lengthMs: number): { readonly beginMs: number; readonly lengthMs: number } {
  return { beginMs, lengthMs };
}

test('faults that overlap are over within half of the SLA', (t) => {
  t.true(isShortEnough(1_000, [from(7, 300), from(107, 400)]));
  t.false(isShortEnough(1_000, [from(7, 300), from(108, 400)]));
  t.false(isShortEnough(1_000, [from(108, 400), from(7, 0)]));
});

const SHAPE = { intervalMs: 2_000, slaMs: 30_000, families: LIVE_FAMILIES, isFollowed: true, summers: 3, chunkers: 3 };

const schedules = fc.record({
  isFollowed: fc.boolean(),
  families: fc.subarray([...LIVE_FAMILIES], { minLength: 1 }),
  slaMs: fc.integer({ min: 300, max: 60_000 }),
  seed: fc.nat(),
  lengthMs: fc.integer({ min: 10_000, max: 600_000 }),
  intervalMs: fc.integer({ min: 1_000, max: 10_000 }),
  summers: fc.integer({ min: 1, max: 8 }),
  chunkers: fc.integer({ min: 1, max: 8 }),
  faultsAtOnce: fc.integer({ min: 2, max: 4 }),
});

/** Faults by the number of the fault that they join, which comes first. */
function groupsOf(faults: readonly PlannedFault[]): PlannedFault[][] {
  const groups: PlannedFault[][] = [];
  for (const fault of faults) {
    if (fault.joins === undefined) groups.push([fault]);
    else groups.find(([first]) => first?.id === fault.joins)?.push(fault);
  }
  return groups;
}

test('no schedule has faults together that may not be open together, and each kind still has its turn', (t) => {
  fc.assert(
    fc.property(schedules, (options) => {
      const faults = [...faultSchedule(options)];
      t.deepEqual(
        faults.map(({ id }) => id),
        faults.map((_, index) => index + 1),
      );
      const alone = [...faultSchedule({ ...options, faultsAtOnce: 1 })];
      const groups = groupsOf(faults);
      t.is(groups.flat().length, faults.length);
      t.is(groups.length, alone.length, 'faults that join come in addition');
      for (const group of groups) {
        t.true(group.length <= options.faultsAtOnce);
        for (const [at, one] of group.entries())
          for (const other of group.slice(at + 1)) t.true(mayOverlap(one, other), JSON.stringify([one, other]));
        t.true(
          isShortEnough(
            options.slaMs,
            group.map(({ atMs: beginMs, lengthMs }) => ({ beginMs, lengthMs })),
          ),
        );
        const [first] = group;
        for (const { atMs, lengthMs } of group) {
          t.true(atMs >= (first?.atMs ?? 0) && atMs <= (first?.atMs ?? 0) + (first?.lengthMs ?? 0));
          t.true(lengthMs <= (first?.lengthMs ?? 0));
        }
      }
      const kinds = kindsOf(options.families, options);
      const turn = faults.slice(0, kinds.length).map(({ kind }) => kind);
      if (turn.length === kinds.length) t.deepEqual(turn.toSorted(), kinds.toSorted());
      const back = faults.findIndex(({ kind }) => kind.startsWith('downgrade-'));
      const of = faults[back]?.kind.slice('downgrade-'.length);
      if (back >= 0) t.true(faults.slice(0, back).some(({ kind }) => kind === `upgrade-${of}`));
    }),
    { numRuns: 150 },
  );
});

test('with several at once most groups of a long run have more than one fault, of many pairs of families', (t) => {
  const faults = [...faultSchedule({ ...SHAPE, seed: 3, lengthMs: 3_600_000, faultsAtOnce: 2 })];
  const groups = groupsOf(faults);
  const pairs = groups.filter(({ length }) => length === 2);
  t.true(pairs.length > groups.length / 3, `${pairs.length} of ${groups.length}`);
  const families = new Set(
    pairs.map((group) =>
      group
        .map(({ kind }) => familyOf(kind))
        .toSorted()
        .join('+'),
    ),
  );
  for (const pair of ['kill+pause', 'kill+partition', 'partition+pause', 'kill+kill', 'kill+takeover', 'pause+retire'])
    t.true(families.has(pair), [...families].join(' '));
});
