/** What a chunker tells whoever started it. */

import type { VerifiedFile } from '../verifier/verifier.ts';

export type CompletedFile = {
  readonly fileNumber: number;
  readonly partition: number;
  readonly endIndex: number;
  readonly intendedNs: number;
};

export type ChunkerEvents = {
  /** The end of a file was generated, as record `endIndex` of its partition; after a restart perhaps again. */
  onCompleted?(file: CompletedFile): void;
  onVerified(file: VerifiedFile): void;
  /** From a batch's first send to its acknowledgement. */
  onAcknowledged(latencyNs: number): void;
  /** How late a slice's first record was against its schedule, and so at most each of the `records` due in it. */
  onScheduleLag(lagNs: number, records: number): void;
  onDelay(fileId: string, delaySeconds: number): void;
  /** The decision to open no file from this step on is durable; nothing that depends on it was sent by this process. */
  onEnding?(endStep: number): void;
  /** Everything is verified, ended and released: to be said now. Said again by each start until `onTold`. */
  onDrained(): void;
  /** That it was said is durable: the process may end. */
  onTold(): void;
  /** It must stop. Called once. */
  onFailure(error: unknown): void;
};
