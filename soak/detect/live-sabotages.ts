/**
 * Sabotages of the soak's own harness. The injector, the ears, the meters and the sampler are sabotaged over fake
 * processes that speak the protocol and do no work. The live audit, the auditor and the feed are sabotaged over real
 * processes. None may hold, and the reason must be named.
 */

import { WrappedJournals } from '../../src/journal/wrapped-journals.ts';
import { type Journals, type ReadStream, chunkJournal } from '../../src/journal/journals.ts';
import type { ComponentEvent } from '../../src/component/protocol.ts';
import type { LiveDecorations } from '../live/decorations.ts';
import { noCounters } from '../live/faults/relay/counters.ts';
import { ForwardingRelay, LyingCounters, UnhealingRelay } from '../live/faults/relay/lying-relays.ts';
import type { SoakOptions } from '../live/soak-options.ts';
import type { FakePlan } from '../live/testing/fake-component.ts';
import { MOMENT_SABOTAGES } from './moment-sabotages.ts';
import { OVERLAP_SABOTAGES } from './overlap-sabotages.ts';

export type LiveSabotage = {
  /** In kebab-case, unique among all sabotages. */
  readonly name: string;
  readonly what: string;
  /** Matches a reason of the verdict. */
  readonly reason: RegExp;
  /** `fake`: processes that speak the protocol and do no work. */
  readonly over: 'fake' | 'real';
  readonly decorations: () => LiveDecorations;
  readonly options?: Partial<SoakOptions>;
  /** For a sabotage over real processes: how long to wait when it is stuck; absent: as long as any soak. */
  readonly patienceMs?: number;
  /** What the fake processes do wrong, so that there is something to overhear. */
  readonly fakes?: FakePlan;
};

const FAULTS: Partial<SoakOptions> = { faults: ['kill'], durationMs: 4_000 };
const EARLY_NS = 60e9;

/** Faults of one family, as often as there is time for. */
const PAUSES: Partial<SoakOptions> = { faults: ['pause'], durationMs: 4_000 };
const TAKEOVERS: Partial<SoakOptions> = { faults: ['takeover'], durationMs: 4_000 };

const UPGRADES: Partial<SoakOptions> = { faults: ['upgrade'], durationMs: 4_000 };

const OVER_FAKES: readonly Omit<LiveSabotage, 'over'>[] = [
  {
    name: 'live-pauses-that-do-nothing',
    what: 'the injector says that it stops processes, and does nothing',
    reason: /faults were asked for but none took effect/,
    decorations: () => ({ pauses: () => false }),
    options: PAUSES,
  },
  {
    name: 'live-pauses-that-never-end',
    what: 'what was stopped is never continued',
    reason: /the fault 1 \(pause-\S+\) of .* was not seen to heal/,
    decorations: () => ({ resumes: () => false }),
    options: PAUSES,
  },
  {
    name: 'live-pauses-that-end-at-once',
    what: 'nothing is stopped, and the probe says that everything is, until it is asked for the end',
    reason: /faults were asked for but none took effect|were not seen to hit|never took effect/,
    decorations: lyingProbe,
    options: PAUSES,
  },
  {
    name: 'live-processes-that-seem-stopped-for-ever',
    what: 'the probe says that every process is stopped, whenever it is asked',
    reason: /the fault 1 \(pause-\S+\) of .* was not seen to heal/,
    decorations: () => ({ states: () => 'T' }),
    options: PAUSES,
  },
  {
    name: 'live-takeovers-that-never-begin',
    what: 'no successor of a summer is ever started',
    reason: /faults were asked for but none took effect/,
    decorations: () => ({ takeovers: () => false }),
    options: TAKEOVERS,
  },
  {
    name: 'live-ends-of-replaced-summers-that-nobody-sees',
    what: 'the injector does not hear that a replaced summer has ended',
    reason:
      /the fault \d+ \(takeover-\S+\) of summer-\d was not seen to heal|faults were asked for but none took effect/,
    decorations: () => ({ exits: () => false }),
    options: TAKEOVERS,
  },
  {
    name: 'live-upgrades-that-change-nothing',
    what: 'a process that is to be upgraded is started again by the build that it had',
    reason: /faults were asked for but none took effect|the fault upgrade-\S+ never took effect/,
    decorations: () => ({ exchanges: () => false }),
    options: UPGRADES,
  },
  {
    name: 'live-kills-that-do-nothing',
    what: 'the injector says that it kills, and does nothing',
    reason: /faults were asked for but none took effect/,
    decorations: () => ({ kills: () => false }),
    options: FAULTS,
  },
  {
    name: 'live-broker-that-is-never-killed',
    what: 'kills of the broker do nothing',
    reason: /the fault kill-broker never took effect/,
    decorations: () => ({ kills: (process) => process !== 'broker' }),
    options: FAULTS,
  },
  {
    name: 'live-faults-that-are-never-planned',
    what: 'the schedule of faults is empty',
    reason: /faults were asked for but none took effect/,
    decorations: () => ({ schedule: () => [] }),
    options: FAULTS,
  },
  {
    name: 'live-exits-that-nobody-sees',
    what: 'the injector does not hear that a process was killed',
    reason: /faults were asked for but none took effect/,
    decorations: () => ({ exits: () => false }),
    options: FAULTS,
  },
  {
    name: 'live-exits-of-chunkers-that-nobody-sees',
    what: 'the injector does not hear that a chunker was killed',
    reason: /the fault kill-chunker never took effect/,
    decorations: () => ({ exits: (process) => !process.startsWith('chunker') }),
    options: FAULTS,
  },
  {
    name: 'live-recoveries-never-told',
    what: 'no chunker says that anything has recovered',
    reason: /have not recovered in every partition that they hit/,
    decorations: () => hearing(({ event }) => event !== 'recovered'),
    options: FAULTS,
  },
  {
    name: 'live-recovery-of-one-partition-never-told',
    what: 'of one partition no chunker says that it has recovered',
    reason: /have not recovered in every partition|no sum of partition 1 /,
    decorations: () => hearing((event) => event.event !== 'recovered' || event.partition !== 1),
    options: FAULTS,
  },
  {
    name: 'live-recoveries-from-before-the-healing',
    what: 'what counts as recovery was verified before the fault had healed',
    reason: /have not recovered in every partition that they hit/,
    decorations: () =>
      changing((event) =>
        event.event === 'recovered' ? { ...event, verifiedNs: Math.max(0, event.verifiedNs - EARLY_NS) } : event,
      ),
    options: FAULTS,
  },
  {
    name: 'live-recoveries-of-files-from-before-the-fault',
    what: 'what counts as recovery is the sum of a file that was intended before the fault',
    reason: /have not recovered in every partition that they hit/,
    decorations: () =>
      changing((event) =>
        event.event === 'recovered' ? { ...event, intendedNs: Math.max(0, event.intendedNs - EARLY_NS) } : event,
      ),
    options: FAULTS,
  },
  {
    name: 'live-meters-that-hear-nothing',
    what: 'no report of progress reaches the meters',
    reason: /no chunks flowed in the phase steady/,
    decorations: () => hearing(({ event }) => event !== 'progress'),
  },
  {
    name: 'live-meters-that-hear-twice-as-much',
    what: 'chunkers seem to have verified twice as many files as they did',
    reason: /the meters count \d+ sums, and the chunkers \d+/,
    decorations: () =>
      changing((event) =>
        event.event === 'progress' && event.component === 'chunker'
          ? { ...event, verifiedTotal: event.verifiedTotal * 2 }
          : event,
      ),
  },
  {
    name: 'live-sampler-that-counts-nothing',
    what: 'the sampler reads zeros from the meters',
    reason: /no chunks flowed in the phase steady/,
    decorations: () => ({
      totals: (totals) => ({ ...totals, chunksPublished: 0, chunksFolded: 0, sumsVerified: 0, chunksVerified: 0 }),
    }),
  },
  {
    name: 'live-sampler-that-counts-twice',
    what: 'every sum counts twice in its phase',
    reason: /the phases count [\d,]+ sums, and the meters [\d,]+/,
    decorations: () => ({ totals: (totals) => ({ ...totals, sumsVerified: totals.sumsVerified * 2 }) }),
  },
  {
    name: 'live-drains-never-told',
    what: 'the conductor does not hear that chunkers have drained',
    reason: /chunker-\d did not report to the end/,
    decorations: () => hearing(({ event }) => event !== 'drained'),
  },
  {
    name: 'live-drain-of-one-chunker-never-told',
    what: 'the conductor does not hear that one chunker has drained',
    reason: /chunker-0 did not report to the end/,
    decorations: () => hearing((event, process) => event.event !== 'drained' || process !== 'chunker-0'),
  },
  {
    name: 'live-violations-never-heard',
    what: 'a violation is reported, and nobody hears it',
    reason: /summer-1: .* 10 /,
    decorations: () => hearing(({ event }) => event !== 'violation'),
    fakes: { 'summer-1': { when: 'work', what: 'violation' } },
  },
  {
    name: 'live-verified-files-that-are-not-all',
    what: 'chunkers drain with files that have no sum',
    reason: /chunker-0 completed \d+ files and verified \d+/,
    decorations: () => ({}),
    fakes: { 'chunker-0': { when: 'drain', what: 'unverified' } },
  },
];

/** Room enough, so that a slow machine does not stop following the journals before the sabotage shows. */
export const FOLLOWED: Partial<SoakOptions> = { retentionBytes: 64 * 1024 * 1024, audit: 'follow' };

/** One batch of so many is left out. */
const SKIPPED_EVERY = 50;

const OVER_REAL: readonly Omit<LiveSabotage, 'over'>[] = [
  {
    name: 'live-auditor-that-reads-nothing',
    what: 'no batch ever reaches the auditor, and --audit auto calls it slow',
    reason: /nothing of it arrives|nothing more of the journals arrived/,
    decorations: () => ({ journals: (journals) => new StuckReads(journals, () => true) }),
  },
  {
    name: 'live-auditor-without-one-journal',
    what: 'no batch of one journal reaches the auditor',
    reason: /chunks\/part-001 were not read|nothing more of the journals arrived/,
    decorations: () => ({ journals: (journals) => new StuckReads(journals, (journal) => journal === chunkJournal(1)) }),
  },
  {
    name: 'live-auditor-that-skips-batches',
    what: 'the auditor leaves out a batch now and then',
    reason: /journals: gap /,
    options: FOLLOWED,
    decorations: () => {
      let batches = 0;
      return {
        history: (event) => {
          if (event.event === 'batch') batches += 1;
          return event.event === 'batch' && batches % SKIPPED_EVERY === 0 ? [] : [event];
        },
      };
    },
  },
  {
    name: 'live-checkpoints-that-are-empty',
    what: 'the auditor finds nothing in the stores of summers',
    reason: /state-behind .* the state is folded to 0/,
    options: FOLLOWED,
    decorations: () => ({
      checkpoints: () => (owner) => Promise.resolve(new Map(owner.shards.map((shard) => [shard, null]))),
    }),
  },
];

/** Two of them at least. */
const RETIREMENTS: Partial<SoakOptions> = {
  ...FOLLOWED,
  faults: ['retire'],
  durationMs: 6_000,
  faultIntervalMs: 1_400,
};

const OF_RETIREMENTS: readonly Omit<LiveSabotage, 'over'>[] = [
  {
    name: 'live-retirements-that-retire-nobody',
    what: 'a chunker is killed, and nobody ends its producer',
    reason: /faults were asked for but none took effect/,
    options: RETIREMENTS,
    patienceMs: 12_000,
    decorations: () => ({ retires: () => Promise.resolve(false) }),
  },
  {
    name: 'live-retirements-that-are-only-said',
    what: 'nobody ends the producer of a chunker that died for good, and its end is taken for seen',
    reason: /its end is not in the journal|the end of producer .* the journal does not have it/,
    options: RETIREMENTS,
    decorations: () => ({ retires: () => Promise.resolve(true) }),
  },
];

/** As few partitions as a run may ask for: a fault that is never proven is drawn again. */
const PARTITIONS: Partial<SoakOptions> = {
  ...FOLLOWED,
  faults: ['partition'],
  durationMs: 6_000,
  faultIntervalMs: 1_400,
  // A link that never heals is not a fault of the pipeline: nothing is late before the run is over.
  slaMs: 300_000,
};

/** A fault has a quarter of this to be proven. */
const PARTITION_PATIENCE_MS = 12_000;

const OF_THE_RELAY: readonly Omit<LiveSabotage, 'over'>[] = [
  {
    name: 'live-relay-that-forwards-all',
    what: 'the relay lets everything pass, and its counters say that every fault bites',
    reason: /faults were asked for but none took effect|the fault partition-\S+ never took effect/,
    options: PARTITIONS,
    patienceMs: PARTITION_PATIENCE_MS,
    decorations: () => ({ relay: (relay) => new ForwardingRelay(relay) }),
  },
  {
    name: 'live-relay-whose-counters-lie',
    what: 'the counters of the relay stand still, whatever it does',
    reason: /faults were asked for but none took effect|the fault partition-\S+ never took effect/,
    options: PARTITIONS,
    patienceMs: PARTITION_PATIENCE_MS,
    decorations: () => ({ relay: (relay) => new LyingCounters(relay, ({ link }) => noCounters(link)) }),
  },
  {
    name: 'live-relay-that-never-heals',
    what: 'the relay hurts its links, and says that it lets go of them when it does not',
    reason: /the fault \d+ \(partition-\S+\) of .* was not seen to heal/,
    options: PARTITIONS,
    patienceMs: PARTITION_PATIENCE_MS,
    decorations: () => ({ relay: (relay) => new UnhealingRelay(relay) }),
  },
];

export const FAKE_SABOTAGES: readonly LiveSabotage[] = [...OVER_FAKES, ...OVERLAP_SABOTAGES].map((sabotage) => ({
  ...sabotage,
  over: 'fake',
}));
export const REAL_SABOTAGES: readonly LiveSabotage[] = [
  ...OVER_REAL,
  ...OF_RETIREMENTS,
  ...OF_THE_RELAY,
  ...MOMENT_SABOTAGES,
].map((sabotage) => ({
  ...sabotage,
  over: 'real',
}));

/** Nothing is stopped. The probe says that the process is stopped until it is to be continued. */
function lyingProbe(): LiveDecorations {
  const stopped = new Set<string>();
  return {
    pauses: (process) => {
      stopped.add(process);
      return false;
    },
    resumes: (process) => stopped.delete(process),
    states: (process, state) => (stopped.has(process) ? 'T' : state),
  };
}

function hearing(isHeard: (event: ComponentEvent, process: string) => boolean): LiveDecorations {
  return { heard: (process, event) => (isHeard(event, process) ? [event] : []) };
}

function changing(change: (event: ComponentEvent) => ComponentEvent): LiveDecorations {
  return { heard: (_process, event) => [change(event)] };
}

/** Streams of some journals deliver nothing. */
class StuckReads extends WrappedJournals {
  readonly #isStuck: (journal: string) => boolean;

  constructor(inner: Journals, isStuck: (journal: string) => boolean) {
    super(inner);
    this.#isStuck = isStuck;
  }

  override read(journal: string, offset: number, options: Parameters<Journals['read']>[2]): ReadStream {
    if (!this.#isStuck(journal)) return super.read(journal, offset, options);
    return { next: () => new Promise(() => {}), close: () => {} };
  }
}
