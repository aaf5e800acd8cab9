/**
 * Begins the log of a soak: what was asked for, the checkers, and the readers while it is written. Until the log ends,
 * it also receives the delays of this process.
 */

import type { Clock } from '../../src/core/clock.ts';
import type { ComponentSpec } from '../../src/fleet/component-process.ts';
import { FLOW_SECONDS_MIN } from '../guarantee/checkers/flow.ts';
import type { BatchReader } from '../guarantee/checkers/batch-reader.ts';
import { makeSoakCheckers } from '../guarantee/checkers/index.ts';
import type { FaultKind } from '../guarantee/fault-kinds.ts';
import { HistoryLog, type LogListener } from '../guarantee/history-log.ts';
import type { StoryFacts } from '../guarantee/story/story-facts.ts';
import type { Audit } from './audit/end-audit.ts';
import type { LiveDecorations } from './decorations.ts';
import { auditDepthOf } from './audit-depth.ts';
import { promisesOf } from './engine.ts';
import { type OwnDelay, OwnDelays } from './own-delays.ts';
import type { SoakOptions } from './soak-options.ts';

/** The checker of violations that are already in the log. */
const REPORTED = 'reported';

export function beginLog(from: {
  readonly options: SoakOptions;
  readonly specs: readonly ComponentSpec[];
  readonly clock: Clock;
  /** Kinds of faults, each of which should hit. */
  readonly faults: readonly FaultKind[];
  readonly audit: Audit | null;
  readonly reader: BatchReader;
  /** The facts for stories, as a listener of the log. */
  readonly facts: StoryFacts;
  readonly listeners: readonly LogListener[];
  readonly decorations?: LiveDecorations;
}): HistoryLog {
  const { options, specs, clock, faults, audit, reader, facts, listeners, decorations } = from;
  const onDelay = (delay: OwnDelay): void => void log.record({ event: 'own-delay', ...delay });
  const delays = new OwnDelays({ clock, onDelay });
  const untilEnd: LogListener = ({ event }) => {
    if (event.event === 'end') delays.close();
  };
  const log = new HistoryLog({
    nowNs: () => clock.nowNs(),
    checkers: makeSoakCheckers(reader, promisesOf(options)),
    filter: decorations?.history,
    listeners: [...listeners, ({ event }) => facts.hear(event), untilEnd],
    onFinding: (finding, { name }) => {
      const { atNs: _, ...violation } = finding;
      if (name !== REPORTED) log.record({ event: 'found', ...violation });
    },
  });
  log.record({
    event: 'run',
    seed: options.seed,
    slaMs: options.slaMs,
    partitions: options.partitions,
    // Summers that replace each other are judged by their shards: the owner of a shard must have reported to the end.
    processes: specs.filter((spec) => !isReplaceable(spec, options)).map(({ name }) => name),
    // The number of faults depends on how soon each heals, so they are judged by their kinds.
    faults: {},
    faultKinds: faults,
    ...(options.faultsAtOnce > 1 ? { faultsAtOnce: options.faultsAtOnce } : {}),
    flowMsMin: FLOW_SECONDS_MIN * 1e3,
    isAudited: audit !== null && auditDepthOf(options).depth !== 'none',
  });
  log.record({ event: 'phase', phase: 'warm-up' });
  delays.start();
  return log;
}

function isReplaceable({ component }: ComponentSpec, { faults }: SoakOptions): boolean {
  return component === 'summer' && faults.includes('takeover');
}
