/**
 * What each engine promises of the batches that it stores, and what it does not. Whoever judges a run asks here: readers
 * skip a record that they have had, which would hide a repetition where none was promised.
 */

/** `embedded`: one broker process and LMDB. `gazette`: brokers of a Gazette cluster. */
export type EngineName = 'embedded' | 'gazette';

export type EnginePromises = {
  /** Whether records of a producer may be stored again below its next index: an append whose outcome was unknown was resent. */
  readonly mayRepeat: boolean;
  /** Whether a batch may stand before another one of its producer in the same journal that was appended first. */
  readonly mayReorder: boolean;
  /** Whether acknowledged batches may be lost when more replicas are lost at once than the engine was given. */
  readonly mayLoseAtFailover: boolean;
  /** Whether offsets count bytes, of a room that a pin keeps from appends. Elsewhere an offset is a position and no more. */
  readonly countsBytes: boolean;
};

export const PROMISES: Readonly<Record<EngineName, EnginePromises>> = {
  embedded: { mayRepeat: false, mayReorder: false, mayLoseAtFailover: false, countsBytes: true },
  gazette: { mayRepeat: true, mayReorder: false, mayLoseAtFailover: true, countsBytes: false },
};
