/**
 * What each engine promises of the batches that it stores, and what it does not. Whoever judges a run asks here:
 * readers skip a record that they have had, which would hide a repetition where none was promised.
 */

/** `embedded`: one broker process and LMDB. `gazette`: brokers of a Gazette cluster. */
export type EngineName = 'embedded' | 'gazette';

export type EnginePromises = {
  /**
   * Whether records of a producer may be stored again below its next index: an append whose outcome was unknown was
   * resent.
   */
  readonly mayRepeat: boolean;
  /**
   * Whether offsets count bytes, of a room that a pin keeps from appends. Elsewhere an offset is a position and no
   * more.
   */
  readonly countsBytes: boolean;
};

export const PROMISES: Readonly<Record<EngineName, EnginePromises>> = {
  embedded: { mayRepeat: false, countsBytes: true },
  gazette: { mayRepeat: true, countsBytes: false },
};
