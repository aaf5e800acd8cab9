/**
 * The log in which journals keep the state of a shard, where an engine offers that: entries in one order, written by
 * the shard's owner alone. An entry is in the log as a whole or not at all, and an acknowledged entry is as durable as
 * an acknowledged batch. The log does not know what an entry says.
 *
 * Rules P-STATE-1 to P-STATE-5 of docs/protocol.md.
 */

/** Where an entry stands. Offsets of this log count bytes. Sequences count entries from 0, without gaps. */
export type StatePlace = {
  readonly begin: number;
  readonly end: number;
  readonly sequence: number;
  /** CRC-32C of the entry. */
  readonly checksum: number;
};

export type StateEntry = StatePlace & { readonly bytes: Buffer };

/** An entry that can be read from. */
export type StateStart = Pick<StatePlace, 'begin' | 'sequence'>;

export type StateLook = {
  /** Where the newest whole snapshot begins. `null`: none was noted, and the log is read from its beginning. */
  readonly snapshot: StateStart | null;
  /** The first offset that the log keeps. */
  readonly begin: number;
  /** The offset of the chunk journal that owners of the shard have reported as durably folded. */
  readonly reported: number;
};

/** Receives what a log has before a claim. Each call may throw: then nothing is appended. */
export type StateReader = {
  /** Called for each entry, in order. */
  take(entry: StateEntry): void;
  /** The log was read to its end. Called once, right before the claim is tried; an entry may still come before it. */
  atEnd(): void;
};

export interface StateLog {
  /** The journal's name, for messages. */
  readonly journal: string;
  /** Where a reader of the state would begin. */
  look(): Promise<StateLook>;
  /**
   * Reads every entry from `start` on, and appends `claim` behind the last one. From then on no entry of an older owner
   * becomes part of the log. `reader` gets all that is before the claim.
   */
  claim(start: StateStart, claim: Uint8Array, reader: StateReader): Promise<StatePlace | 'fenced'>;
  /**
   * Appends all entries or none, behind the claim. Resolves when every replica has them, or when a newer owner has
   * claimed the log. One call at a time.
   */
  append(entries: readonly Uint8Array[]): Promise<readonly StatePlace[] | 'fenced'>;
  /** A whole snapshot begins there. */
  noteSnapshot(start: StateStart): Promise<void>;
}
