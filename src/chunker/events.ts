/** The events that a chunker reports to its starter. */

import type { VerifiedFile } from '../verifier/verifier.ts';

export type CompletedFile = {
  readonly fileNumber: number;
  readonly partition: number;
  readonly endIndex: number;
  readonly intendedNs: number;
};

export type ChunkerEvents = {
  /**
   * The end of a file was generated, as record `endIndex` of its partition. After a restart it may be reported again.
   */
  onCompleted?(file: CompletedFile): void;
  onVerified(file: VerifiedFile): void;
  /** The time from a batch's first send to its acknowledgement. */
  onAcknowledged(latencyNs: number): void;
  /**
   * How late a slice's first record was against its schedule. Each of the `records` due in the slice is at most so
   * late.
   */
  onScheduleLag(lagNs: number, records: number): void;
  onDelay(fileId: string, delaySeconds: number): void;
  /**
   * The decision to open no file from this step on is durable. This process has sent nothing yet that depends on it.
   */
  onEnding?(endStep: number): void;
  /** Everything is verified, ended and released, and this must be said now. Each start repeats it until `onTold`. */
  onDrained(): void;
  /** It is durable that the end was said: the process may end. */
  onTold(): void;
  /** The chunker must stop. Called once. */
  onFailure(error: unknown): void;
};
