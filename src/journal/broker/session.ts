/** What the broker knows of one session of a client. */

import type { AppendOutcome } from '../journals.ts';
import { LINK_BYTES_MAX } from '../link-window.ts';
import { Assembly } from './assembly.ts';
import type { Stream } from './stream.ts';

export type Session = {
  lastSeenNs: number;
  /** Larger batches go to this client in parts. */
  partBytes: number;
  /** Bytes received since its last ping. The client has at most these on their way. */
  unpingedBytes: number;
  readonly assembly: Assembly;
  readonly streams: Map<number, Stream>;
  /**
   * Answers to appends, sent together after the commit. There are at most as many as a client may send without a ping.
   */
  readonly acks: { id: number; outcome: AppendOutcome }[];
};

/** A session whose client has said nothing yet about its link. */
export function newSession(nowNs: number): Session {
  return {
    lastSeenNs: nowNs,
    partBytes: LINK_BYTES_MAX,
    unpingedBytes: 0,
    assembly: new Assembly(),
    streams: new Map(),
    acks: [],
  };
}
