/**
 * Message links as the protocol sees them: unreliable, in order while they last, and lost without notice. Layers above
 * this one do not know ZeroMQ. This layer does not know what a message means.
 *
 * A message is a list of frames. Frames of 256 bytes and more are sent without a copy: their buffers must never be
 * changed after they were handed over.
 */

export type Frames = readonly Uint8Array[];

/** The client's end of one session. */
export interface ClientLink {
  /** Never waits and never throws: a message that cannot be sent ends the link by `onDown`. */
  send(frames: Frames): void;
  close(): void;
}

export type ClientLinkEvents = {
  onMessage(frames: Frames): void;
  /** The link has ended. Called at most once, and never after `close`. */
  onDown(reason: string): void;
};

/** Opens sessions to one endpoint. Each session is a new link under an identity that was never used before. */
export interface Dialer {
  dial(session: string, events: ClientLinkEvents): ClientLink;
}

/** The server's end of all sessions. */
export interface ServerLink {
  /** Never waits. When the client's queue is full or the client is gone, `onUnreachable` follows. */
  send(session: string, frames: Frames): void;
  close(): Promise<void>;
}

export type ServerLinkEvents = {
  onMessage(session: string, frames: Frames): void;
  onUnreachable(session: string): void;
  /** The socket itself failed: the process must stop. */
  onFatal(error: unknown): void;
};
