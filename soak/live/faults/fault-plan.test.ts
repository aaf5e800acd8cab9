import { readFileSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'ava';
import fc from 'fast-check';
import { UsageError } from '../../../src/core/errors.ts';
import type { Moment } from '../../../src/moments/moment.ts';
import { LIVE_FAMILIES } from '../../guarantee/fault-kinds.ts';
import { SoakFiles } from '../soak-files.ts';
import { checkPlan, faultsOf, parseFaultPlan } from './fault-plan.ts';
import { freezes } from './frozen-moments.ts';
import type { FaultOutcome } from './open-fault.ts';
import type { PlannedFault } from './planned-fault.ts';

const OPTIONS = {
  faults: LIVE_FAMILIES,
  faultIntervalMs: 2_000,
  faultPlan: null,
  slaMs: 30_000,
  summers: 3,
  chunkers: 3,
  isFollowed: true,
} as const;

/** The earliest outcome of a planned fault in faults.csv. */
function outcomeOf(plan: PlannedFault): FaultOutcome {
  const { id, kind, targets, atMs, lengthMs, insteadOf = null, link = null, aim = null, joins = null } = plan;
  const times = { plannedNs: 7, injectedNs: 8, provenNs: null, healedNs: null };
  const recovery = { recoveredNs: null, firstRecoveredNs: null, partitionsHit: 1, partitionsRecovered: 0 };
  const target = targets.join(' ');
  const gap = { partitions: [], gapNsMax: null };
  return {
    id,
    kind,
    target,
    ...times,
    ...recovery,
    evidence: 'none, "as yet"',
    atMs,
    lengthMs,
    insteadOf,
    link,
    ...gap,
    moment: null,
    aim,
    joins,
    overlaps: [],
    overtakenBy: null,
  };
}

/** After every fifth row there is a row for a fault that was drawn in its place. */
function rowOf({ id }: PlannedFault): number {
  return id + Math.floor((id - 1) / 5);
}

test('the plan of a run comes back from its faults.csv, without what was drawn again', (t) => {
  fc.assert(
    fc.property(fc.nat(), (seed) => {
      const folder = mkdtempSync(join(tmpdir(), 'stream-sum-plan-'));
      const aims: readonly (Moment | null)[] = [null, 'idle', 'in a commit'];
      const planned = [...faultsOf({ ...OPTIONS, seed }, 60_000)].map((fault) => {
        const aim = aims[fault.id % aims.length] ?? null;
        return aim === null || !freezes(fault.kind) ? fault : { ...fault, aim };
      });
      const files = new SoakFiles(folder, { startNs: 0, processes: [] });
      for (const fault of planned) {
        files.faultSettled(outcomeOf(fault));
        if (fault.id % 5 === 0) files.faultSettled(outcomeOf({ ...fault, id: 1_000 + fault.id, insteadOf: fault.id }));
      }
      files.close();
      const again = parseFaultPlan(readFileSync(join(folder, 'faults.csv')), 'x');
      rmSync(folder, { recursive: true });
      t.deepEqual(
        again,
        planned.map((fault) => ({ ...fault, id: rowOf(fault) })),
      );
      checkPlan(again, OPTIONS);
      const repeated = { ...OPTIONS, seed: seed + 1, faultPlan: again };
      t.deepEqual([...faultsOf(repeated, 60_000)], again);
      t.true([...faultsOf(repeated, 30_000)].length < again.length);
    }),
    { numRuns: 20 },
  );
});

test('a file that is not a plan is refused in one line, which names the row and the column', (t) => {
  const header = 'id,kind,target,at_s,length_s,instead_of\r\n';
  const linked = 'id,kind,target,at_s,length_s,link_mode\r\n';
  const refused: readonly (readonly [string, RegExp])[] = [
    ['', /^x: it has no faults$/],
    [header, /^x: it has no faults$/],
    [`${header}1,kill-king,broker,1,0,\r\n`, /^x: row 1: kind "kill-king" is not valid$/],
    [`${header}1,kill-broker,../etc,1,0,\r\n`, /^x: row 1: target /],
    [`${header}1,kill-broker,broker,,0,\r\n`, /^x: row 1: at_s ""/],
    [`${header}1,kill-broker,broker,-1,0,\r\n`, /^x: row 1: at_s "-1"/],
    [`${header}1,kill-broker,broker,1,x,\r\n`, /^x: row 1: length_s "x"/],
    [`${header}1,kill-broker,"bro\r\n`, /^x: /],
    ['id,kind,target,at_s,length_s,aim\r\n1,kill-broker,broker,1,0,lunch\r\n', /^x: row 1: aim "lunch"/],
    ...[
      ['kill-broker', 'broker', 'starting'],
      ['kill-broker', 'broker', 'folding'],
      ['pause-everything', 'summer-0 broker', 'appending'],
      ['restart-all', 'broker', 'idle'],
    ].map(([kind, target, aim]): [string, RegExp] => [
      `id,kind,target,at_s,length_s,aim\r\n1,${kind},${target},1,0,${aim}\r\n`,
      new RegExp(`^x: row 1: aim "${aim}" is not valid for ${kind}$`),
    ]),
    [`${header}1,partition-drop,summer-1,1,1,\r\n`, /^x: row 1: link_mode ""/],
    [
      `${header}1,kill-broker,broker,1,0,\r\n2,kill-broker,auditor,1,0,\r\n`,
      /^x: row 2: target "auditor" .*kill-broker$/,
    ],
    [`${header}1,takeover-running,broker,1,0,\r\n`, /^x: row 1: target "broker" is not valid for takeover-running$/],
    [`${header}1,kill-two-summers,summer-1,1,0,\r\n`, /^x: row 1: target "summer-1"/],
    [`${header}1,kill-two-summers,summer-1 summer-1,1,0,\r\n`, /^x: row 1: target "summer-1 summer-1"/],
    [`${header}1,pause-everything,broker auditor,1,0,\r\n`, /^x: row 1: target "broker auditor"/],
    [
      `${linked}1,partition-drop,broker,1,1,"{""mode"":""drop"",""directions"":[""to-client""]}"\r\n`,
      /^x: row 1: target "broker"/,
    ],
    [
      `${linked}1,partition-drop,summer-1,1,1,"{""mode"":""delay"",""delayMs"":60,""jitterMs"":9}"\r\n`,
      /^x: row 1: link_mode .* is not valid for partition-drop$/,
    ],
    [
      `${linked}1,partition-drop,summer-1,1,1,"{""mode"":""drop"",""directions"":[""to-client""]}"\r\n`,
      /^x: row 1: link_mode /,
    ],
    [`${linked}1,partition-drop,summer-1,1,1,"{""mode"":""pass""}"\r\n`, /^x: row 1: link_mode /],
    ['id,kind\r\n1,kill-broker\r\n', /^x: row 1: target ""/],
  ];
  for (const [text, message] of refused) {
    t.throws(() => parseFaultPlan(Buffer.from(text), 'x'), { instanceOf: UsageError, message }, text);
  }
});

test('a plan for processes that this run does not have is refused', (t) => {
  const plan: PlannedFault[] = [{ id: 3, kind: 'kill-summer', targets: ['summer-3'], atMs: 0, lengthMs: 0 }];
  const run = { summers: 3, chunkers: 3, isFollowed: false };
  t.throws(() => checkPlan(plan, run), {
    instanceOf: UsageError,
    message: '--fault-plan: row 3: kill-summer hits summer-3, which this run does not have',
  });
  t.notThrows(() => checkPlan(plan, { ...run, summers: 4 }));
});

test('the link of an auditor can be hurt where one follows the journals, and only there', (t) => {
  const link = { mode: 'refuse', how: 'reset' } as const;
  const plan: PlannedFault[] = [
    { id: 2, kind: 'partition-refuse', targets: ['summer-0', 'auditor'], atMs: 0, lengthMs: 1, link },
  ];
  const run = { summers: 3, chunkers: 3, isFollowed: true };
  t.notThrows(() => checkPlan(plan, run));
  t.throws(() => checkPlan(plan, { ...run, isFollowed: false }), {
    instanceOf: UsageError,
    message: '--fault-plan: row 2: partition-refuse hits auditor, which this run does not have',
  });
});
