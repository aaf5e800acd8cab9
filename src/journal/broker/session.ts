/** What the broker knows of one session of a client. */

import type { AppendOutcome } from '../journals.ts';
import { LINK_BYTES_MAX } from '../link-window.ts';
import { Assembly } from './assembly.ts';
import type { Stream } from './stream.ts';

export type Session = {
  lastSeenNs: number;
  /** Batches above it go to this client in parts. */
  partBytes: number;
  /** Received since its last ping: a client has no more on its way than that. */
  unpingedBytes: number;
  readonly assembly: Assembly;
  readonly streams: Map<number, Stream>;
  /** Answers to appends, sent together after the commit: no more than what a client may send without a ping. */
  readonly acks: { id: number; outcome: AppendOutcome }[];
};

/** A session of a client that has said nothing yet of its link. */
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
