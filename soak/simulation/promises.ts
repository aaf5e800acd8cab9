/**
 * The moments that a plan promises: moments that its faults certainly bring about, and moments that are reached in one
 * of so many schedules. A promised moment that is not reached is a hole in the generator of faults, or a fault that
 * does nothing.
 */

import { ALL_MOMENTS, MOMENTS, type Moment } from './world/counters.ts';
import { isCertain } from './certain-faults.ts';
import type { Plan, PlannedFault } from './plan.ts';

/** A moment that is expected this many times is missed in one of a million runs: e^-14. */
export const EXPECTED_TIMES = 14;

/**
 * The moment is reached in one of so many schedules, whatever the workload. The number is rounded up from the workload
 * that reaches it least often, of 400 schedules (seeds 20001 to 20400), and doubled where that workload reached it
 * fewer than 30 times. 1: every schedule that was looked at reached it, which does not promise it for all.
 * Chunkers that leave are promised half as often as seeds 1 to 100 have them, or less.
 */
const ONE_OF: Readonly<Record<(typeof MOMENTS)[number], number>> = {
  'killed between a commit and the publication of its sums': 10,
  'killed in a commit that was not durable': 2,
  'killed in a commit that was durable': 3,
  'killed while it claimed a shard': 2,
  'killed between its raise and its confirmation': 11,
  'killed before it was ready': 2,
  'commit failed, with its writes on disk': 2,
  'commit failed, without its writes': 2,
  'outbox replayed': 2,
  'takeover of a dead summer': 2,
  'takeover of a running summer': 2,
  'takeover of a paused summer': 2,
  'takeover with a waking zombie': 2,
  'zombie fenced': 2,
  'zombie restarted and replaced': 2,
  'takeover of some of the shards': 4,
  'log line could not be written': 2,
  'shard lost, and the others kept': 3,
  'request of a zombie fenced': 2,
  'shard left out of a claim': 2,
  'message lost': 1,
  'acknowledgement lost': 2,
  'streamed batch lost': 2,
  'message of a dead session arrived': 2,
  'late copy of an opening': 2,
  'late copy of an append': 2,
  'late copy of a read': 2,
  'late copy of a credit': 2,
  'late copy of a question': 2,
  'late copy of a raise': 2,
  'late copy of a confirmation': 3,
  'late copy of a report': 2,
  'late copy of a pin': 18,
  'late copy of the move of a pin': 2,
  'late copy of a release': 18,
  'late copy of a retirement': 100,
  'connections broken': 1,
  'connection lost without notice': 2,
  'append ended unknown': 2,
  'resend met an expected': 2,
  'append refused for want of room': 10,
  'chunk batch trimmed': 1,
  'sums batch trimmed': 1,
  'reader below a trimmed journal': 2,
  'broker killed with appends under way': 3,
  'broker restarted': 1,
  'chunker resumed from a snapshot': 1,
  'chunker resumed without a snapshot': 10,
  'chunker killed after it had decided to end': 11,
  'chunker resumed at its end records': 11,
  'killed between its end and its word of it': 54,
  'another life begun in the same store': 15,
  'chunker retired and replaced': 4,
  'chunker retired while it was stopped': 20,
  'chunker retired while it ran': 20,
  'chunker heard that it was retired': 10,
  'retirement broken off, and begun again': 20,
  'append of a retired producer refused': 20,
  'pin expired in an absence': 10,
  'chunker found its pin gone': 10,
  'stopped gracefully and restarted': 2,
  'paused and resumed': 2,
  'power lost': 2,
  'empty file summed': 2,
  'file completed again after a restart': 2,
};

/**
 * The same of schedules on a cluster, by the same seeds. What is not named is not promised there: moments of the
 * embedded engine's broker and of its messages, one that no seed draws a fault for, and those that were reached
 * fewer than 10 times.
 */
const CLUSTER_ONE_OF: Readonly<Partial<Record<Moment, number>>> = {
  'killed between a commit and the publication of its sums': 4,
  'killed in a commit that was not durable': 10,
  'killed in a commit that was durable': 10,
  'killed while it claimed a shard': 2,
  'killed between its raise and its confirmation': 10,
  'killed before it was ready': 2,
  'commit failed, with its writes on disk': 3,
  'commit failed, without its writes': 3,
  'outbox replayed': 2,
  'takeover of a dead summer': 2,
  'takeover of a running summer': 2,
  'takeover of a paused summer': 2,
  'takeover with a waking zombie': 3,
  'zombie fenced': 2,
  'zombie restarted and replaced': 2,
  'takeover of some of the shards': 5,
  'log line could not be written': 2,
  'shard lost, and the others kept': 3,
  'shard left out of a claim': 2,
  'connections broken': 2,
  'append ended unknown': 2,
  'resend met an expected': 2,
  'chunker resumed from a snapshot': 1,
  'chunker resumed without a snapshot': 4,
  'chunker killed after it had decided to end': 10,
  'chunker resumed at its end records': 10,
  'another life begun in the same store': 17,
  'chunker retired and replaced': 9,
  'chunker retired while it was stopped': 25,
  'chunker retired while it ran': 27,
  'chunker heard that it was retired': 14,
  'retirement broken off, and begun again': 18,
  'append of a retired producer refused': 21,
  'stopped gracefully and restarted': 2,
  'paused and resumed': 2,
  'power lost': 2,
  'empty file summed': 2,
  'file completed again after a restart': 2,
  'record stored twice': 2,
  'append failed at some replicas': 2,
  'append at another offset than the end': 2,
  'broker killed': 2,
  'broker killed while it replicated an append': 2,
  'broker left, and others took over': 3,
  'broker paused beyond its lease': 3,
  'broker ended without its lease': 3,
  'broker cut off from peers': 2,
  'broker cut off from etcd': 3,
  'broker cut off from clients': 3,
  'broker lost while it was cut off': 3,
  'all brokers died at once': 4,
  'brokers had less than the fragment store': 4,
  'member of etcd killed': 2,
  'etcd away': 5,
  'etcd carried out what its client had given up': 5,
  'read ended inside of a batch': 2,
  'append to a state log ended unknown': 2,
  // These three by seeds 20001 to 20150, 50 of each workload.
  'entry of a state log trimmed': 10,
  'read jumped over what was trimmed': 14,
  'read waited below what was trimmed': 20,
  'snapshot of a state noted': 2,
  'state replayed from the local copy': 2,
  'state replayed from a snapshot': 2,
  'state replayed from the beginning of its log': 1,
};

/** The moment that a fault which is certain to hit brings about. */
function momentOf(fault: PlannedFault): Moment | null {
  switch (fault.kind) {
    case 'crash':
      return fault.target === 'broker' ? 'broker restarted' : null;
    case 'restart':
      return 'stopped gracefully and restarted';
    case 'power-loss':
      return 'power lost';
    case 'etcd-crash':
      return 'member of etcd killed';
    case 'etcd-away':
      return 'etcd away';
    case 'pause':
    case 'takeover':
    case 'partition':
    case 'stall':
    case 'slow-link':
    case 'break':
    case 'unreachable':
    case 'commit-fails':
    case 'slow-disk':
    case 'retire':
    case 'absence':
    case 'late-reader':
    case 'member-crash':
    case 'member-loss-in-turn':
    case 'member-leave':
    case 'member-pause':
    case 'member-cut':
    case 'all-brokers-crash':
      return null;
    default:
      return fault satisfies never;
  }
}

/** How often each moment is to be expected in a schedule; infinity: it is certain to be reached. */
export function promisesOf(plan: Plan): Record<Moment, number> {
  const certain = new Set(plan.faults.filter((fault) => isCertain(fault, plan)).map(momentOf));
  const oneOf: Readonly<Partial<Record<Moment, number>>> = plan.cluster === undefined ? ONE_OF : CLUSTER_ONE_OF;
  return Object.fromEntries(
    ALL_MOMENTS.map((moment) => [
      moment,
      certain.has(moment) ? Number.POSITIVE_INFINITY : 1 / (oneOf[moment] ?? Number.POSITIVE_INFINITY),
    ]),
  ) as Record<Moment, number>;
}

/** Moments that were expected so often that they must have been reached, and were not. */
export function brokenPromises(
  expected: Readonly<Record<Moment, number>>,
  reached: Readonly<Record<Moment, number>>,
): Moment[] {
  return ALL_MOMENTS.filter((moment) => expected[moment] >= EXPECTED_TIMES && reached[moment] === 0);
}
