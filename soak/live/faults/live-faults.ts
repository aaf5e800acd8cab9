/** The faults of a soak over real processes: their decisions, actions and probes, put together. */

import { READY_MS_MAX } from '../../../src/fleet/fleet.ts';
import type { Clock } from '../../../src/core/clock.ts';
import { spareSpec } from '../../../src/fleet/component-specs.ts';
import type { Fleet } from '../../../src/fleet/fleet.ts';
import type { LiveDecorations } from '../decorations.ts';
import type { LiveFamily } from '../../guarantee/fault-kinds.ts';
import type { ProgressEvent } from '../../../src/component/protocol.ts';
import type { MomentPages } from '../../../src/moments/moment-pages.ts';
import { aimsOf } from './aims.ts';
import { injectFaults, watchFaults } from './fault-phase.ts';
import { type FaultOptions, faultsOf } from './fault-plan.ts';
import { type Builds, FleetTargets } from './fleet-target.ts';
import { type FaultHappening, FaultInjector } from './injector.ts';
import { MomentsHit } from './moments-hit.ts';
import { type FaultOutcome, OWN_FILES } from './open-fault.ts';
import { PageCheck } from './page-check.ts';
import type { RetirementOptions } from './retirement.ts';
import { SLA_SHARE } from './schedule.ts';
import type { SumGaps } from './sum-gaps.ts';
import type { Lab } from './cluster/lab.ts';
import type { RelayedLinks } from './relay/relayed-links.ts';

/** The part of the patience that a fault may take until it is seen to hit. */
const PROOF_SHARE = 4;
/** On a cluster, for any fault: a process starts with many requests to brokers and etcd. */
const CLUSTER_PROOF_MS = 60_000;

/** The families that stop processes. */
const PAUSING: readonly LiveFamily[] = ['pause', 'takeover'];

export type LiveFaultsOptions = {
  readonly options: FaultOptions & { readonly partitions: number };
  readonly fleet: Fleet;
  readonly clock: Clock;
  readonly dataFolder: string;
  /** Where the broker listens. */
  readonly endpoint: string;
  readonly producerOf: RetirementOptions['producerOf'];
  readonly onRetired: RetirementOptions['onRetired'];
  readonly onUnfinished: RetirementOptions['onUnfinished'];
  /** Null: there is one build. */
  readonly builds: Builds | null;
  /** Null: no link can be hurt. */
  readonly links: RelayedLinks | null;
  /** Absent, or null: no member of a cluster can be hurt. */
  readonly lab?: Lab | null;
  /** Records that were found twice in journals so far; absent: nobody looks. */
  readonly repeatedRecords?: () => number;
  readonly record: (happening: FaultHappening) => void;
  /** A listener of the history. */
  readonly gaps: SumGaps;
  readonly onSettled: (outcome: FaultOutcome) => void;
  readonly decorations: LiveDecorations;
  /** Null: it is unknown at which moment a process is hit. */
  readonly pages: MomentPages | null;
  /** How long a stuck thing is waited for; absent: as long as a start may take. */
  readonly patienceMs?: number | undefined;
};

export class LiveFaults {
  readonly injector: FaultInjector;
  readonly moments: MomentsHit;
  readonly #from: LiveFaultsOptions;
  readonly #targets: FleetTargets;
  readonly #pageCheck: PageCheck = new PageCheck();

  constructor(from: LiveFaultsOptions) {
    const { options, fleet, clock, dataFolder, links, lab = null, decorations, patienceMs } = from;
    const { partitions, seed } = options;
    this.#from = from;
    this.moments = new MomentsHit(seed);
    this.#targets = new FleetTargets({
      fleet,
      partitions,
      clock,
      seed,
      links,
      lab,
      repeatedRecords: from.repeatedRecords,
      decorations,
      builds: from.builds,
      retirements: from,
      spareSpec: (summer, name) => spareSpec(summer, { name, dataFolder }),
      pages: from.pages,
    });
    this.injector = new FaultInjector({
      targets: this.#targets,
      momentsHit: this.moments,
      record: from.record,
      onSettled: (outcome) => from.onSettled({ ...outcome, gapNsMax: this.#gapNsMax(outcome) }),
      lastsMsMax: options.slaMs * SLA_SHARE,
      slaMs: options.slaMs,
      proofMsMax: proofMsMaxOf(patienceMs, options),
      // A member is missed for its lease. Several such outages in a row would take longer than the SLA.
      waitsForRecovery: options.cluster !== undefined,
    });
  }

  #gapNsMax({ partitions, injectedNs: fromNs, recoveredNs: toNs }: FaultOutcome): number | null {
    if (toNs === null) return null;
    const all = Array.from({ length: this.#from.options.partitions }, (_, partition) => partition);
    return this.#from.gaps.longestNs(partitions.includes(OWN_FILES) ? all : partitions, { fromNs, toNs });
  }

  /** Injects the planned faults of a phase that begins now. Resolves with what is unproven, or null. */
  inject(lengthMs: number, signal: AbortSignal): Promise<string | null> {
    const { options, fleet, clock, decorations } = this.#from;
    const planned = faultsOf(options, lengthMs);
    const faults = decorations.schedule?.(planned) ?? planned;
    // Otherwise the first pause would be shorter by the start time of the pauser.
    if (PAUSING.some((family) => options.faults.includes(family))) fleet.preparePauses();
    const aims = aimsOf({
      named: (name) => this.#targets.named(name),
      choose: (component) => this.moments.aimAt(component),
      isRepeated: options.faultPlan !== null,
    });
    // On a cluster a fault waits for the recovery of the one before.
    const patienceMs =
      this.#from.patienceMs ?? (options.cluster === undefined ? undefined : READY_MS_MAX + options.slaMs);
    return injectFaults(faults, { injector: this.injector, clock, signal, patienceMs, aims });
  }

  /** A process has told its progress. Its page must agree. */
  onProgress(name: string, pid: number | null, progress: ProgressEvent): void {
    if (pid === null || progress.component === 'chunker') return;
    const seen = this.#targets.named(name).moments();
    if (seen?.pid === pid) this.#pageCheck.add(name, seen, progress.commits);
  }

  /** Contradictions in the pages of moments, one line each. */
  get pageDoubts(): readonly string[] {
    return [...this.#pageCheck.doubts, ...this.moments.doubts];
  }

  /**
   * Looks at the probes until the signal is aborted, which is after the end of all processes, so that it sees the last
   * end.
   */
  async watch(signal: AbortSignal): Promise<void> {
    await watchFaults(this.injector, { clock: this.#from.clock, signal });
  }
}

/** Undefined: as long as the injector waits by itself. */
function proofMsMaxOf(patienceMs: number | undefined, { cluster }: FaultOptions): number | undefined {
  if (patienceMs !== undefined) return patienceMs / PROOF_SHARE;
  return cluster === undefined ? undefined : CLUSTER_PROOF_MS;
}
