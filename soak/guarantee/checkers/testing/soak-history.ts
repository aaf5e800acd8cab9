/**
 * Histories of soaks whose journals nobody follows, as a faultless harness would write them: what processes say, what
 * flows in the phases, and faults that hit and heal. A test changes the part that it tests.
 */

import type { ChunkerProgress } from '../../../../src/component/protocol.ts';
import type { FaultKind } from '../../fault-kinds.ts';
import type { FaultTally } from '../../fault-tallies.ts';
import type { Happening, HistoryEvent } from '../../history.ts';
import type { Phase } from '../../phase.ts';

export type SoakChunker = {
  readonly process: string;
  /** Files that it has verified, by its reports. */
  readonly verified: number;
  /** Its last word; null: it never said that it had drained. */
  readonly drained: { readonly verifiedTotal: number; readonly filesCompletedTotal: number } | null;
  readonly sumsOutstanding: number;
};

export type SoakStory = {
  readonly phases: readonly {
    readonly phase: Phase;
    readonly seconds: number;
    readonly chunksPublished: number;
    readonly sumsVerified: number;
  }[];
  /** Sums counted in the phases beyond the reports. */
  readonly sumsCountedTwice: number;
  readonly faultKinds: readonly FaultKind[];
  readonly faults: ReadonlyMap<FaultKind, FaultTally>;
  readonly chunkers: readonly SoakChunker[];
  readonly isAudited: boolean;
  /** Events before the end. */
  readonly others: readonly Happening[];
};

export const HOLDING: SoakStory = {
  phases: [
    { phase: 'warm-up', seconds: 6, chunksPublished: 100, sumsVerified: 0 },
    { phase: 'steady', seconds: 6, chunksPublished: 100, sumsVerified: 5 },
  ],
  sumsCountedTwice: 0,
  faultKinds: ['kill-broker', 'kill-chunker', 'kill-summer', 'kill-all-summers'],
  faults: new Map([
    ['kill-broker', { injected: 1, proven: 1, recovered: 1 }],
    ['kill-chunker', { injected: 2, proven: 2, recovered: 2 }],
    ['kill-summer', { injected: 1, proven: 1, recovered: 1 }],
    ['kill-all-summers', { injected: 1, proven: 1, recovered: 1 }],
  ]),
  chunkers: [chunker('chunker-0', 10), chunker('chunker-1', 1)],
  isAudited: true,
  others: [{ event: 'audited' }],
};

/** A chunker that verified what it completed. */
export function chunker(process: string, verified: number): SoakChunker {
  return {
    process,
    verified,
    drained: { verifiedTotal: verified, filesCompletedTotal: verified },
    sumsOutstanding: 0,
  };
}

/** The target of a fault of each kind. */
const TARGETS: Readonly<Partial<Record<FaultKind, string>>> = {
  'pause-summer': 'summer-0',
  'partition-delay': 'summer-0',
  'kill-broker': 'broker',
  'kill-summer': 'summer-0',
  'kill-all-summers': 'summer-0',
  'kill-chunker': 'chunker-0',
};

export function soakHistory(changes: Partial<SoakStory> = {}): HistoryEvent[] {
  const story = { ...HOLDING, ...changes };
  const happenings = [
    ...beginning(story),
    ...story.phases.flatMap(({ phase }, index) => {
      const before = story.phases[index - 1];
      const flowed: Happening[] = before === undefined ? [] : [{ event: 'flowed', ...before }];
      return [...flowed, { event: 'phase', phase } as const];
    }),
    ...story.phases.slice(-1).map((last) => ({ event: 'flowed', ...last }) as const),
    ...faultsOf(story),
    ...ending(story),
    ...story.others,
    { event: 'end' } as const,
  ];
  const events = happenings.map((happening, index): HistoryEvent => ({ atNs: 1e9 + index * 1e6, ...happening }));
  return events.map((event, place) => (event.event === 'end' ? { ...event, events: place } : event));
}

function processesOf({ chunkers }: SoakStory): string[] {
  return ['broker', 'summer-0', ...chunkers.map(({ process }) => process)];
}

function beginning(story: SoakStory): Happening[] {
  const { isAudited, faultKinds, chunkers } = story;
  const processes = processesOf(story);
  return [
    { event: 'run', seed: 1, slaMs: 1_000, partitions: 2, processes, faults: {}, faultKinds, isAudited },
    { event: 'unfollowed', reason: 'not followed at this rate', leavesDoubt: false },
    ...processes.map((process): Happening => ({ event: 'ready', process })),
    { event: 'up' },
    ...chunkers.flatMap(({ process, verified, sumsOutstanding }, chunkerNumber): Happening[] => [
      {
        event: 'said',
        process,
        said: {
          event: 'ready',
          component: 'chunker',
          pid: 1,
          producer: `c0ffee000000000${chunkerNumber}`,
          chunkerNumber,
          resumed: false,
          verifiedTotal: 0,
        },
      },
      { event: 'said', process, said: progress(verified, sumsOutstanding) },
    ]),
  ];
}

function progress(verified: number, sumsOutstanding = 0): ChunkerProgress {
  return {
    event: 'progress',
    component: 'chunker',
    chunks: verified * 10,
    bytes: verified * 100,
    filesCompleted: verified,
    sumsVerified: verified,
    chunksVerified: verified * 10,
    bytesVerified: verified * 100,
    filesOpen: 2,
    sumsOutstanding,
    scheduleLagNsP99: 0,
    verifiedTotal: verified,
    latency: null,
    acknowledgement: null,
  };
}

function faultsOf({ faults }: SoakStory): Happening[] {
  let id = 0;
  const happenings = [...faults].flatMap(([kind, { injected, proven, recovered }]) =>
    Array.from({ length: injected }, (_, index): Happening[] => {
      id += 1;
      const target = TARGETS[kind] ?? 'broker';
      const fault = { id, kind, target };
      return [
        { event: 'fault', ...fault },
        ...(index < proven ? hit(fault) : []),
        ...(index < recovered ? [{ event: 'fault-recovered', ...fault } as const] : []),
      ];
    }).flat(),
  );
  return [...happenings, { event: 'faults-due', count: id }];
}

function hit(fault: { readonly id: number; readonly kind: FaultKind; readonly target: string }): Happening[] {
  const effective = { event: 'fault-effective', ...fault } as const;
  const healed = { event: 'fault-healed', ...fault } as const;
  if (!fault.kind.startsWith('kill-')) return [effective, healed];
  const { target: process } = fault;
  return [{ event: 'ended', process, exitCode: null }, effective, { event: 'ready', process }, healed];
}

/** The drain, in which all sums are verified that no phase counted, and the ends of all processes. */
function ending(story: SoakStory): Happening[] {
  const { chunkers, phases, sumsCountedTwice } = story;
  const verified = chunkers.reduce((sum, one) => sum + Math.max(one.verified, one.drained?.verifiedTotal ?? 0), 0);
  const counted = phases.reduce((sum, { sumsVerified }) => sum + sumsVerified, 0);
  const sumsVerified = verified - counted + sumsCountedTwice;
  return [
    { event: 'phase', phase: 'drain' },
    ...chunkers.flatMap(({ process, drained }): Happening[] =>
      drained === null ? [] : [{ event: 'said', process, said: { event: 'drained', ...drained } }],
    ),
    { event: 'flowed', phase: 'drain', seconds: 1, chunksPublished: 0, sumsVerified },
    ...processesOf(story).map((process): Happening => ({ event: 'ended', process, exitCode: 0 })),
  ];
}
