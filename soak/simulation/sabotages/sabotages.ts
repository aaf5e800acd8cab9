/**
 * Sabotages of the harness: with each of them a run proves nothing. None may end in HOLDS, and the reason must be
 * named. Otherwise a broken harness would vouch for anything.
 */

import { prepareChunker } from '../../../src/chunker/prepare-chunker.ts';
import { SUMS_JOURNAL } from '../../../src/journal/journals.ts';
import type { HistoryEvent } from '../../guarantee/history.ts';
import type { Decorations } from '../decorations.ts';
import { targetOf } from '../plan.ts';
import { withTakeovers } from '../mutants/adapt.ts';
import { withFaultsOf } from '../mutants/adapt-cluster.ts';
import { withRetirements } from '../mutants/adapt-departures.ts';
import type { Sabotage } from './sabotage.ts';
import { WITHHELD } from './withheld.ts';

/** Room for all sums of a schedule. */
const SUMS_BYTES = 64 * 1024 * 1024;

const BROKEN: readonly Sabotage[] = [
  {
    name: 'faults-that-do-nothing',
    what: 'the fault injector says that it injects, and does nothing',
    reason: /the fault crash took effect 0 times/,
    decorations: () => ({ injects: () => false }),
  },
  {
    name: 'broker-that-is-never-crashed',
    what: 'crashes of the broker do nothing',
    reason: /the fault crash of broker took effect 0 times/,
    decorations: () => injecting(({ kind, target }) => kind !== 'crash' || target !== 'broker'),
  },
  {
    name: 'summers-that-are-never-crashed',
    what: 'crashes of summers do nothing',
    reason: /the fault crash of summer took effect 0 times/,
    decorations: () => injecting(({ kind, target }) => kind !== 'crash' || !target.startsWith('summer')),
  },
  {
    name: 'chunkers-that-are-never-crashed',
    what: 'crashes of chunkers do nothing',
    reason: /the fault crash of chunker took effect 0 times/,
    decorations: () => injecting(({ kind, target }) => kind !== 'crash' || !target.startsWith('chunker')),
  },
  {
    name: 'crashes-alone',
    what: 'every fault except crashes does nothing',
    reason: /the fault any but crash took effect 0 times/,
    decorations: () => injecting(({ kind }) => kind === 'crash'),
  },
  {
    name: 'takeovers-that-do-nothing',
    what: 'no summer is taken over',
    reason: /the fault takeover of summer took effect 0 times/,
    decorations: () => injecting(({ kind }) => kind !== 'takeover'),
    adapt: withTakeovers,
  },
  {
    name: 'retirements-that-do-nothing',
    what: 'no chunker is retired',
    reason: /the fault retire of chunker took effect 0 times/,
    decorations: () => injecting(({ kind }) => kind !== 'retire'),
    adapt: withRetirements,
  },
  {
    name: 'etcd-that-is-never-harmed',
    engine: 'gazette',
    what: 'faults of members of etcd do nothing',
    reason: /the plan promised a moment that was not reached: member of etcd killed/,
    decorations: () => injecting(({ kind }) => !kind.startsWith('etcd')),
    adapt: (plan) => withFaultsOf(plan, 'etcd'),
  },
  {
    name: 'brokers-that-are-never-harmed',
    engine: 'gazette',
    what: 'faults of brokers of a cluster do nothing',
    reason: /the fault any but crash took effect 0 times/,
    decorations: () => injecting(({ kind }) => !kind.startsWith('member') && kind !== 'all-brokers-crash'),
    adapt: (plan) => withFaultsOf(plan, 'brokers'),
  },
  {
    name: 'faults-without-proof',
    what: 'nobody notices that a fault has hit',
    reason: /the fault crash took effect 0 times/,
    decorations: () => without(({ event }) => event === 'fault-effective'),
  },
  {
    name: 'faults-that-never-heal',
    what: 'the end of the faults is not on record',
    reason: /nothing says that they healed/,
    decorations: () => without((event) => event.event === 'phase' && event.phase === 'heal'),
  },
  {
    name: 'no-traffic',
    what: 'chunkers publish nothing',
    reason: /no sum was read after the last heal/,
    decorations: () => ({ chunker: (options) => ({ ...options, fileCount: 0 }) }),
  },
  {
    name: 'one-idle-chunker',
    what: 'one of the chunkers publishes nothing, the others do',
    reason: /chunker-0 completed no file/,
    decorations: () => ({
      chunker: (options) => (options.workload.chunkerNumber === 0 ? { ...options, fileCount: 0 } : options),
    }),
    adapt: (plan) => (plan.chunkers.length > 1 ? plan : { ...plan, chunkers: [...plan.chunkers, ...plan.chunkers] }),
  },
  {
    name: 'chunker-that-never-started',
    what: 'a chunker hangs at its start',
    reason: /chunker-0 was not ready after its last start/,
    decorations: () => ({
      prepareChunker: (options) =>
        options.workload.chunkerNumber === 0 ? new Promise(() => {}) : prepareChunker(options),
    }),
  },
  {
    name: 'summer-that-never-started',
    what: 'no summer gets beyond its start',
    reason: /lost .*no sum|not every process was up again/,
    decorations: () => ({ prepareSummer: () => new Promise(() => {}) }),
  },
  {
    name: 'verifier-that-died',
    what: 'a chunker and its verifier hang from their second start on',
    reason: /chunker-0 .*never said that it had drained|chunker-0 had not drained/,
    decorations: () => {
      let starts = 0;
      return {
        prepareChunker: (options) => {
          if (options.workload.chunkerNumber === 0) starts += 1;
          return options.workload.chunkerNumber === 0 && starts > 1 ? new Promise(() => {}) : prepareChunker(options);
        },
      };
    },
    // Its pin keeps all sums. With little room the other verifiers would first be told of a loss.
    adapt: (plan) => ({ ...plan, sumsBytes: SUMS_BYTES }),
  },
  {
    name: 'chunker-that-never-drains',
    what: 'a chunker does not say that it has drained, and does not end',
    reason: /chunker-0 had not drained/,
    decorations: () => ({
      chunker: (options) => ({ ...options, events: { ...options.events, onDrained: () => {}, onTold: () => {} } }),
    }),
  },
  {
    name: 'broker-that-never-reports',
    what: 'the end of the broker is not on record',
    reason: /broker did not report to the end/,
    decorations: () => without((event) => event.event === 'ended' && event.process === 'broker'),
  },
  {
    name: 'drains-never-recorded',
    what: 'what chunkers say when they have drained is lost',
    reason: /never said that it had drained/,
    decorations: () => without(({ event }) => event === 'drained'),
  },
  {
    name: 'verified-never-recorded',
    what: 'what verifiers say is lost',
    reason: /no sum was verified after the last heal/,
    decorations: () => without(({ event }) => event === 'verified'),
  },
  {
    name: 'checkpoints-never-recorded',
    what: 'no state of any shard is looked at',
    reason: /the state of shard 0 was not seen at the end/,
    decorations: () => without(({ event }) => event === 'checkpoint'),
  },
  {
    name: 'claims-never-recorded',
    what: 'no claim of a shard is on record',
    reason: /which nobody was seen to raise/,
    decorations: () => without(({ event }) => event === 'raised'),
  },
  {
    name: 'auditor-that-skips-batches',
    what: 'the auditor leaves out a batch now and then',
    reason: /journals: gap /,
    decorations: () => {
      let batches = 0;
      return without(({ event }) => {
        if (event === 'batch') batches += 1;
        return event === 'batch' && batches % SKIPPED_EVERY === 0;
      });
    },
  },
  {
    name: 'auditor-that-stops',
    what: 'the auditor reads no chunks after the warm-up',
    reason: /state-ahead .* the state is folded to/,
    decorations: () => {
      let isOver = false;
      return without((event) => {
        isOver ||= event.event === 'phase' && event.phase === 'faults';
        return isOver && event.event === 'batch' && event.journal !== SUMS_JOURNAL;
      });
    },
  },
  {
    name: 'auditor-without-sums',
    what: 'the auditor does not read the sums journal',
    reason: /no sum was read after the last heal/,
    decorations: () => without((event) => event.event === 'batch' && event.journal === SUMS_JOURNAL),
  },
  {
    name: 'no-heads',
    what: 'nobody looks where the journals end',
    reason: /nothing says where sums ends/,
    decorations: () => without(({ event }) => event === 'head'),
  },
  {
    name: 'no-end',
    what: 'the end of the history is lost',
    reason: /the history has no end/,
    decorations: () => without(({ event }) => event === 'end'),
  },
  {
    name: 'truncated-history',
    what: 'the history breaks off',
    reason: /the history has no end/,
    decorations: () => {
      let events = 0;
      return without(() => {
        events += 1;
        return events > TRUNCATED_AFTER;
      });
    },
  },
  {
    name: 'empty-history',
    what: 'the checkers are given nothing',
    reason: /the history does not say what was asked for/,
    decorations: () => without(() => true),
  },
  {
    name: 'clock-that-stands-still',
    what: 'all times of the history are the same',
    reason: /the clock stood still in the phase faults/,
    decorations: () => ({ history: (event) => [{ ...event, atNs: 1 }] }),
  },
  {
    name: 'clock-that-goes-back',
    what: 'the clock of the history goes back once',
    reason: /time goes back/,
    decorations: () => ({
      history: (event) => [event.event === 'phase' && event.phase === 'heal' ? { ...event, atNs: 1 } : event],
    }),
  },
  {
    name: 'stamps-unknown',
    what: 'nobody knows when anything became durable',
    reason: /no sum was timed/,
    decorations: () => ({
      history: (event) => [
        event.event === 'batch' || event.event === 'acknowledged' ? { ...event, stampNs: 0 } : event,
      ],
    }),
  },
];

const SKIPPED_EVERY = 50;
/** Number of events. */
const TRUNCATED_AFTER = 500;

export const SABOTAGES: readonly Sabotage[] = [...BROKEN, ...WITHHELD];

/** Faults that are reported as injected, and are not. */
function injecting(isInjected: (fault: { readonly kind: string; readonly target: string }) => boolean): Decorations {
  return { injects: (fault) => isInjected({ kind: fault.kind, target: targetOf(fault) }) };
}

/** These events never reach the checkers. */
function without(isDropped: (event: HistoryEvent) => boolean): Decorations {
  return { history: (event) => (isDropped(event) ? [] : [event]) };
}

export function sabotageNamed(name: string): Sabotage {
  const sabotage = SABOTAGES.find((candidate) => candidate.name === name);
  if (sabotage === undefined) throw new Error(`there is no sabotage ${name}`);
  return sabotage;
}
