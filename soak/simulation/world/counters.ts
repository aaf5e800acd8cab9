/**
 * How often each interesting moment was reached. A moment that no seed reaches is a hole in the generator of faults.
 */

/** In the order in which they are shown. */
export const MOMENTS = [
  'killed between a commit and the publication of its sums',
  'killed in a commit that was not durable',
  'killed in a commit that was durable',
  'killed while it claimed a shard',
  'killed between its raise and its confirmation',
  'killed before it was ready',
  'commit failed, with its writes on disk',
  'commit failed, without its writes',
  'outbox replayed',
  'takeover of a dead summer',
  'takeover of a running summer',
  'takeover of a paused summer',
  'takeover with a waking zombie',
  'zombie fenced',
  'zombie restarted and replaced',
  'takeover of some of the shards',
  'log line could not be written',
  'shard lost, and the others kept',
  'request of a zombie fenced',
  'shard left out of a claim',
  'message lost',
  'acknowledgement lost',
  'streamed batch lost',
  'message of a dead session arrived',
  'late copy of an opening',
  'late copy of an append',
  'late copy of a read',
  'late copy of a credit',
  'late copy of a question',
  'late copy of a raise',
  'late copy of a confirmation',
  'late copy of a report',
  'late copy of a pin',
  'late copy of the move of a pin',
  'late copy of a release',
  'late copy of a retirement',
  'connections broken',
  'connection lost without notice',
  'append ended unknown',
  'resend met an expected',
  'append refused for want of room',
  'chunk batch trimmed',
  'sums batch trimmed',
  'reader below a trimmed journal',
  'broker killed with appends under way',
  'broker restarted',
  'chunker resumed from a snapshot',
  'chunker resumed without a snapshot',
  'chunker killed after it had decided to end',
  'chunker resumed at its end records',
  'killed between its end and its word of it',
  'another life begun in the same store',
  'chunker retired and replaced',
  'chunker retired while it was stopped',
  'chunker retired while it ran',
  'chunker heard that it was retired',
  'retirement broken off, and begun again',
  'append of a retired producer refused',
  'pin expired in an absence',
  'chunker found its pin gone',
  'stopped gracefully and restarted',
  'paused and resumed',
  'power lost',
  'empty file summed',
  'file completed again after a restart',
] as const;

/** Moments of a simulated cluster. */
export const CLUSTER_MOMENTS = [
  'record stored twice',
  'append failed at some replicas',
  'append at another offset than the end',
  'broker killed',
  'broker killed while it replicated an append',
  'broker left, and others took over',
  'broker paused beyond its lease',
  'broker ended without its lease',
  'broker cut off from peers',
  'broker cut off from etcd',
  'broker cut off from clients',
  'broker lost while it was cut off',
  'brokers lost in turn left a hole',
  'all brokers died at once',
  'brokers had less than the fragment store',
  'member of etcd killed',
  'etcd away',
  'etcd carried out what its client had given up',
  'read ended inside of a batch',
  'entry of a state log trimmed',
  'read jumped over what was trimmed',
  'read waited below what was trimmed',
  'bytes served that never became part of the journal',
  'append to a state log ended unknown',
  'snapshot of a state noted',
  'state replayed from the local copy',
  'state replayed from a snapshot',
  'state replayed from the beginning of its log',
] as const;

export type Moment = (typeof MOMENTS)[number] | (typeof CLUSTER_MOMENTS)[number];

export const ALL_MOMENTS: readonly Moment[] = [...MOMENTS, ...CLUSTER_MOMENTS];

export class Counters {
  readonly #counts = new Map<Moment, number>();

  count(moment: Moment, times: number = 1): void {
    this.#counts.set(moment, this.of(moment) + times);
  }

  of(moment: Moment): number {
    return this.#counts.get(moment) ?? 0;
  }

  /** All moments, including those that were never reached. */
  all(): Record<Moment, number> {
    return Object.fromEntries(ALL_MOMENTS.map((moment) => [moment, this.of(moment)])) as Record<Moment, number>;
  }
}
