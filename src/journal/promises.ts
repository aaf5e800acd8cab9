/**
 * What each engine promises about the batches that it stores, and what it does not promise. The judges of a run ask
 * here: readers skip a record that they have had, which would hide a repetition where the engine promises none.
 */

/** `embedded`: one broker process and LMDB. `gazette`: brokers of a Gazette cluster. */
export type EngineName = 'embedded' | 'gazette';

export const ENGINES: readonly EngineName[] = ['embedded', 'gazette'];

export type EnginePromises = {
  /**
   * Whether records of a producer may be stored again below its next index, because an append with an unknown outcome
   * was resent.
   */
  readonly mayRepeat: boolean;
  /**
   * From when on no sum of an older epoch is stored. `raise`: once the raise has its answer. `append`: once the new
   * owner has appended for the first time. Until then an append that its older owner had begun before may still be
   * stored.
   */
  readonly fencedSince: 'raise' | 'append';
  /**
   * What a read batch is stamped with: `commit`, when it became durable; `receipt`, when its reader knew that it was,
   * which is never earlier. `late` is judged by these stamps. A receipt counts against the cluster what its reader was
   * slow in.
   */
  readonly stamps: 'commit' | 'receipt';
  /**
   * Whether offsets count bytes, of a room that a pin keeps from appends. For other engines an offset is only a
   * position.
   */
  readonly countsBytes: boolean;
  /** Whether a journal may have bytes that no broker has, before a batch: they count as part of its place. */
  readonly mayHaveHoles: boolean;
};

export const PROMISES: Readonly<Record<EngineName, EnginePromises>> = {
  embedded: { mayRepeat: false, fencedSince: 'raise', stamps: 'commit', countsBytes: true, mayHaveHoles: false },
  gazette: { mayRepeat: true, fencedSince: 'append', stamps: 'receipt', countsBytes: false, mayHaveHoles: true },
};
