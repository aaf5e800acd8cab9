/** Sabotages of faults that are to be open together, over fake processes. */

import type { HistoryEvent } from '../guarantee/history.ts';
import type { LiveDecorations } from '../live/decorations.ts';
import type { PlannedFault } from '../live/faults/planned-fault.ts';
import type { SoakOptions } from '../live/soak-options.ts';

type OverlapSabotage = {
  readonly name: string;
  readonly what: string;
  readonly reason: RegExp;
  readonly options: Partial<SoakOptions>;
  readonly decorations: () => LiveDecorations;
};

const TOGETHER: Partial<SoakOptions> = { faultsAtOnce: 2, durationMs: 6_000, faultIntervalMs: 700 };
const REASON = /up to 2 faults at once were asked for, and no two were open together/;

export const OVERLAP_SABOTAGES: readonly OverlapSabotage[] = [
  {
    name: 'live-faults-that-never-join',
    what: 'faults that should join others come alone',
    reason: REASON,
    options: { ...TOGETHER, faults: ['kill', 'pause'] },
    decorations: () => ({ schedule: (faults) => withoutJoins(faults, () => true) }),
  },
  {
    name: 'live-faults-that-hit-only-alone',
    what: 'a kill that joins a pause does nothing, and hits when it is drawn again alone',
    reason: REASON,
    options: { ...TOGETHER, faults: ['kill', 'pause'] },
    decorations: () => {
      const stopped = new Set<string>();
      return {
        schedule: (faults) => withoutJoins(faults, (joined, { kind }) => !isPause(joined) || !kind.startsWith('kill-')),
        pauses: (process) => stopped.add(process).has(process),
        resumes: (process) => stopped.delete(process) || true,
        kills: () => stopped.size === 0,
      };
    },
  },
  {
    name: 'live-overlaps-that-never-were',
    what: 'faults come alone, and each healing is told after the next fault has hit',
    reason: REASON,
    options: { ...TOGETHER, faults: ['kill'] },
    decorations: () => ({ schedule: (faults) => withoutJoins(faults, () => true), history: lateHealings() }),
  },
];

function isPause({ kind }: PlannedFault): boolean {
  return kind.startsWith('pause-');
}

/** Those for which this holds join no other fault. */
function* withoutJoins(
  faults: Iterable<PlannedFault>,
  isAlone: (joined: PlannedFault, fault: PlannedFault) => boolean,
): Generator<PlannedFault, void, undefined> {
  let joined: PlannedFault | null = null;
  for (const fault of faults) {
    const { joins, ...alone } = fault;
    if (joins === undefined) joined = fault;
    yield joined === null || isAlone(joined, fault) ? alone : fault;
  }
}

/** Tells of a healing when the next fault has hit, or when the phase ends. */
function lateHealings(): (event: HistoryEvent) => readonly HistoryEvent[] {
  let late: HistoryEvent[] = [];
  return (event) => {
    if (event.event === 'fault-healed') {
      late.push(event);
      return [];
    }
    if (event.event !== 'fault-effective' && event.event !== 'phase') return [event];
    const told = late.map((healed): HistoryEvent => ({ ...healed, atNs: event.atNs }));
    late = [];
    return [event, ...told];
  };
}
