/**
 * Sabotages that withhold evidence: of each kind of event that a checker needs, all events, all but the first few, or
 * those of one partition, producer or process. Withheld events never reach the checkers, and no such run may hold.
 */

import { SUMS_JOURNAL, chunkJournal } from '../../../src/journal/journals.ts';
import { readProducer } from '../../../src/message/batch.ts';
import { shardOfProducer } from '../../guarantee/checkers/batch-reader.ts';
import type { HistoryEvent } from '../../guarantee/history.ts';
import { withCrashes } from '../mutants/adapt.ts';
import { withTwoChunkers, withTwoPartitions } from '../mutants/adapt-broker.ts';
import type { Sabotage } from './sabotage.ts';

/** How many events are kept when all but the first few are withheld. */
const FEW = 3;

type Kind = {
  /** In the names: `acknowledgements`. */
  readonly name: string;
  readonly fits: (event: HistoryEvent) => boolean;
  /**
   * Whether the event is of the one partition, producer or process whose events are withheld. That is not the first
   * one.
   */
  readonly isOfOne: (event: HistoryEvent) => boolean;
  /** The reason that must be named. */
  readonly reason: RegExp;
  /** What becomes of a withheld event; absent: nothing is left of it. */
  readonly left?: (event: HistoryEvent) => readonly HistoryEvent[];
};

const SHARD = 0;

function isOfShard(event: HistoryEvent): boolean {
  if ('shard' in event) return event.shard === SHARD;
  if (event.event !== 'batch') return 'journal' in event && event.journal === chunkJournal(SHARD);
  return event.journal === SUMS_JOURNAL
    ? shardOfProducer(readProducer(event.bytes, 16)) === SHARD
    : event.journal === chunkJournal(SHARD);
}

const isOfChunker = (process: string): boolean => process === 'chunker-0';
const isCheckpoint =
  (moment: string): Kind['fits'] =>
  (event) =>
    event.event === 'checkpoint' && event.moment === moment;
/** The last phases. What flowed in the first phases shows that those are missing. */
const LAST_PHASES: readonly string[] = ['drain', 'audit'];

/** By producer: its process. Filled as a history passes. */
function ofFirstChunker(): (event: HistoryEvent) => boolean {
  const producers = new Set<string>();
  return (event) => {
    if (event.event === 'producer' && isOfChunker(event.process)) producers.add(event.producer);
    return 'producer' in event && producers.has(event.producer);
  };
}

function kinds(): readonly Kind[] {
  return [
    {
      name: 'acknowledgements',
      fits: ({ event }) => event === 'acknowledged',
      isOfOne: (event) => event.event === 'acknowledged' && event.partition === SHARD,
      reason: /records in chunks\/part-\d+ that they are durable/,
    },
    {
      name: 'stamps',
      fits: (event) => event.event === 'batch' && event.journal === SUMS_JOURNAL,
      isOfOne: isOfShard,
      reason: /no sum was timed|sums (?:of partition 0 )?were not timed/,
      left: (event) => [event.event === 'batch' ? { ...event, stampNs: 0 } : event],
    },
    {
      name: 'completions',
      fits: ({ event }) => event === 'completed',
      isOfOne: ofFirstChunker(),
      reason: /completed \d+ files, and \d+ are on record/,
    },
    {
      name: 'verified-files',
      fits: ({ event }) => event === 'verified' || event === 'verified-files',
      isOfOne: ofFirstChunker(),
      reason: /verified \d+ files, and \d+ are on record/,
    },
    {
      name: 'restart-checkpoints',
      fits: isCheckpoint('restart'),
      isOfOne: isOfShard,
      reason: /was restarted \d+ times, and its state was seen at \d+ of them/,
    },
    {
      name: 'claim-checkpoints',
      fits: isCheckpoint('claim'),
      isOfOne: isOfShard,
      reason: /was not seen after \d+ of its claims/,
    },
    {
      name: 'end-checkpoints',
      fits: isCheckpoint('end'),
      isOfOne: isOfShard,
      reason: /the state of shard \d+ was not seen at the end/,
    },
    {
      name: 'heads',
      fits: ({ event }) => event === 'head',
      isOfOne: isOfShard,
      reason: /nothing says where (?:sums|chunks\/part-\d+) ends/,
    },
    {
      name: 'trims',
      fits: ({ event }) => event === 'trimmed',
      isOfOne: isOfShard,
      reason: /begins at \d+, and was seen to be trimmed to \d+/,
    },
    {
      name: 'raises',
      fits: ({ event }) => event === 'raised',
      isOfOne: isOfShard,
      reason: /which nobody was seen to raise/,
    },
    {
      name: 'confirmations',
      fits: ({ event }) => event === 'confirmed',
      isOfOne: isOfShard,
      reason: /nobody was seen to own shard \d+|with which nobody was seen to be confirmed/,
    },
    {
      name: 'exits',
      fits: ({ event }) => event === 'ended',
      isOfOne: (event) => event.event === 'ended' && event.process === 'summer-0',
      reason: /had not ended|did not report (?:its|to the) end/,
    },
    {
      name: 'drains',
      fits: ({ event }) => event === 'drained',
      isOfOne: ofFirstChunker(),
      reason: /never said that it had drained|had not drained/,
    },
    {
      name: 'end-decisions',
      fits: ({ event }) => event === 'ending',
      isOfOne: ofFirstChunker(),
      reason: /phantom|acknowledged: |its decision to end was not seen/,
    },
    {
      name: 'proofs-of-faults',
      fits: ({ event }) => event === 'fault-effective',
      isOfOne: (event) => event.event === 'fault-effective' && event.target === 'broker',
      reason: /the fault .* took effect \d+ times/,
    },
    {
      name: 'chunk-batches',
      fits: (event) => event.event === 'batch' && event.journal !== SUMS_JOURNAL,
      isOfOne: isOfShard,
      reason: /state-ahead|journals: gap/,
    },
    {
      name: 'sum-batches',
      fits: (event) => event.event === 'batch' && event.journal === SUMS_JOURNAL,
      isOfOne: isOfShard,
      reason: /journals: gap|was read up to 0|lost|no sum was read/,
    },
    {
      name: 'last-phases',
      fits: (event) => event.event === 'phase' && LAST_PHASES.includes(event.phase),
      isOfOne: (event) => event.event === 'phase' && event.phase === 'audit',
      reason: /there was no phase (?:drain|audit)/,
    },
  ];
}

const EXTENTS = ['all', 'all-but-a-few', 'of-one'] as const;
type Extent = (typeof EXTENTS)[number];

const WHAT: Readonly<Record<Extent, string>> = {
  all: 'none reaches the checkers',
  'all-but-a-few': 'only the first few reach the checkers',
  'of-one': 'those of one partition, producer or process do not reach the checkers',
};

/** Kinds of events that the history of a soak over real processes does not have. */
const SIMULATED: readonly string[] = ['completions', 'claim-checkpoints', 'trims', 'proofs-of-faults'];

/** Kinds with few events: all but the first few means all. */
const SCARCE: ReadonlySet<string> = new Set(['last-phases', 'heads', 'end-checkpoints', 'drains', 'end-decisions']);

/** Changes of plans, so that every process has such events to withhold. */
const ADAPTED: Readonly<Record<string, NonNullable<Sabotage['adapt']>>> = {
  'restart-checkpoints': withCrashes,
  'end-checkpoints': withTwoPartitions,
  drains: withTwoChunkers,
  'end-decisions': withTwoChunkers,
};

export const WITHHELD: readonly Sabotage[] = kinds().flatMap(({ name, reason }) =>
  EXTENTS.map((extent) => ({
    name: `${name}-withheld-${extent}`,
    what: `${name}: ${WHAT[extent]}`,
    reason,
    ...(ADAPTED[name] === undefined ? {} : { adapt: ADAPTED[name] }),
    decorations: () => {
      const kind = kinds().find((candidate) => candidate.name === name);
      if (kind === undefined) throw new Error(`there is no kind ${name}`);
      return { history: withholding(kind, extent) };
    },
  })),
);

/** The sabotages that a soak over real processes can have too. */
export const WITHHELD_LIVE: readonly Sabotage[] = WITHHELD.filter(
  ({ name }) => !SIMULATED.some((kind) => name.startsWith(`${kind}-withheld`)),
);

function withholding(
  { name, fits, isOfOne, left }: Kind,
  extent: Extent,
): (event: HistoryEvent) => readonly HistoryEvent[] {
  let seen = 0;
  const few = SCARCE.has(name) ? 1 : FEW;
  return (event) => {
    // Asked of every event, because it may learn from the event.
    const isOne = isOfOne(event);
    if (!fits(event)) return [event];
    seen += 1;
    const isWithheld = extent === 'all' || (extent === 'all-but-a-few' ? seen > few : isOne);
    return isWithheld ? (left?.(event) ?? []) : [event];
  };
}
