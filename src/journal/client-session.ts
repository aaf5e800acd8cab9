/**
 * One session to the broker at a time. When the connection breaks, or the broker does not answer in time, the session
 * is dropped and a new one is opened under a new identity. A broker that has lost what it told gets no more questions.
 *
 * The owner (`client.ts`) handles what is asked and read within a session, and is told when there is a new one.
 */

import { assert } from '../core/assert.ts';
import type { Clock, Timer } from '../core/clock.ts';
import type { ClientLink, Dialer, Frames } from '../transport/transport.ts';
import type { Arrival } from './append-queue.ts';
import { LINK_BYTES_MAX, LinkWindow } from './link-window.ts';
import { lossError } from './loss.ts';
import {
  type BrokerMessage,
  type ClientMessage,
  type Credit,
  type Envelope,
  PROTOCOL_VERSION,
  decodeBrokerMessage,
  encodeHeader,
} from './protocol.ts';
import { withoutStamps } from './stamps.ts';
import { type Witness, encodeWitness, lossDetail } from './witness.ts';

/** How often an idle client says that it is there, and repeats its credits. */
const PING_MS = 200;
/** A broker that says nothing for so long counts as gone. */
const SILENCE_MS = 2_000;
/** A client whose tick is late by so many intervals was stopped, or had no processor. */
const STOPPED_PINGS = 5;
/** An append or call that has arrived at the broker and has no answer for so long counts as lost. */
const ANSWER_MS = 10_000;
/** How long to wait before reopening a session that the broker could not open; doubled each time. */
const BUSY_MS = 50;
const BUSY_MS_MAX = 2_000;

export type SessionOptions = {
  readonly dialer: Dialer;
  readonly clock: Clock;
  /** The client's name in the broker's log. */
  readonly name: string;
  /** The address of the broker, for witnesses. */
  readonly address: string;
  /** The hash of this process's clock domain. Stamps of a broker with another domain are unknown here. */
  readonly clockHash: number;
  /** A new identity at each call, never used before by anybody, of at most 32 characters. */
  readonly newSession: () => string;
  /** A session ended, for the log. */
  readonly onSessionLost?: (reason: string) => void;
};

/** Messages that the session does not handle itself. */
export type SessionMessage = Exclude<BrokerMessage, { readonly t: 'opened' | 'lost' | 'busy' | 'pong' | 'reopen' }>;

export type SessionOwner = {
  /** A session is open: calls are made again, streams go on, and waiting appends are sent. */
  onOpened(): void;
  /** A session ended, and the next one is dialed. Appends of the old session have no answer. */
  onEnded(): void;
  /** The broker has lost what it acknowledged: every caller and every waiting reader is told. */
  onLoss(loss: Error): void;
  onMessage(message: SessionMessage, frames: Frames): void;
  /** The broker has come further: the link may have room. */
  onPong(): void;
  /** The credit of each stream. */
  credits(): Credit[];
  /** The unanswered append and the unanswered call that were sent first. */
  oldest(): readonly (Arrival | undefined)[];
};

export class ClientSession {
  readonly window: LinkWindow = new LinkWindow();
  readonly #options: SessionOptions;
  readonly #owner: SessionOwner;
  #identity = '';
  #incarnation: string | null = null;
  /** The last commit that the broker has reported as durable, over all sessions. */
  #told: { -readonly [key in keyof Witness]: Witness[key] } | null = null;
  #loss: Error | null = null;
  #link: ClientLink | null = null;
  #isOpen = false;
  /** Whether the broker's stamps are of this process's clock. */
  #isStamped = false;
  #isClosed = false;
  #heardNs = 0;
  #tickedNs = 0;
  #timer: Timer | null = null;
  /** The timer that opens the next session while there is none. */
  #retry: Timer | null = null;
  #busyMs = BUSY_MS;

  constructor(options: SessionOptions, owner: SessionOwner) {
    this.#options = options;
    this.#owner = owner;
  }

  get isOpen(): boolean {
    return this.#isOpen;
  }

  /** Whether its owner has closed it. */
  get isClosed(): boolean {
    return this.#isClosed;
  }

  /** The broker has lost what it had acknowledged, and gets no more questions. */
  get loss(): Error | null {
    return this.#loss;
  }

  /** The proof of what the broker has said is durable. */
  get witness(): string | null {
    return this.#told === null ? null : encodeWitness(this.#told, this.#options.address);
  }

  start(): void {
    this.#dial();
    this.#timer = this.#options.clock.after(PING_MS, () => this.#tick());
  }

  close(): void {
    this.#isClosed = true;
    this.#timer?.clear();
    this.#retry?.clear();
    this.#link?.close();
    this.#link = null;
  }

  send(message: ClientMessage): void {
    assert(this.#link !== null || this.#isClosed, 'an open client has a link');
    this.#link?.send([encodeHeader(message)]);
  }

  sendFrames(frames: Frames): void {
    this.#link?.send(frames);
  }

  ping(): void {
    const credits = this.#owner.credits();
    const n = this.window.ping(this.#options.clock.nowNs());
    this.send({ t: 'ping', n, partBytes: this.window.partBytes, credits });
  }

  /** The present session cannot be relied on: the next one is opened. */
  restart(reason: string): void {
    if (this.#isClosed || this.#loss !== null) return;
    this.#options.onSessionLost?.(reason);
    this.#link?.close();
    this.#dial();
    this.#owner.onEnded();
  }

  #dial(): void {
    this.#identity = this.#options.newSession();
    this.#incarnation = null;
    this.#isOpen = false;
    this.#heardNs = this.#options.clock.nowNs();
    this.window.begin();
    const identity = this.#identity;
    this.#link = this.#options.dialer.dial(identity, {
      onMessage: (frames) => this.#receive(frames),
      onDown: (reason) => {
        if (identity === this.#identity) this.restart(reason);
      },
    });
    const witness = this.#told === null ? {} : { witness: this.#told };
    this.send({ t: 'open', version: PROTOCOL_VERSION, client: this.#options.name, ...witness });
  }

  /**
   * The broker cannot open this session now. The next one is opened a moment later, and everything that waits goes on
   * waiting.
   */
  #restartLater(reason: string): void {
    this.#options.onSessionLost?.(reason);
    this.#link?.close();
    this.#link = null;
    this.#identity = '';
    this.#retry = this.#options.clock.after(this.#busyMs, () => this.#dial());
    this.#busyMs = Math.min(BUSY_MS_MAX, this.#busyMs * 2);
  }

  /** Nothing that the broker says can be relied on, neither later nor earlier answers. */
  #lose(loss: Error): void {
    this.#loss = loss;
    this.#isOpen = false;
    this.#timer?.clear();
    this.#link?.close();
    this.#link = null;
    this.#owner.onLoss(loss);
  }

  #opened(store: string, incarnation: string, commit: number): void {
    if (this.#isOpen) return;
    this.#told = { store, incarnation, commit };
    this.#isOpen = true;
    this.#busyMs = BUSY_MS;
    // The broker learns the size of parts before it sends any part.
    if (this.window.bytes < LINK_BYTES_MAX) this.ping();
    this.#owner.onOpened();
  }

  #tick(): void {
    this.#timer = this.#options.clock.after(PING_MS, () => this.#tick());
    const now = this.#options.clock.nowNs();
    const tickedNs = this.#tickedNs;
    this.#tickedNs = now;
    if (this.#link === null) return;
    if (now - this.#heardNs > SILENCE_MS * 1e6) {
      // A client that was itself stopped could not hear anybody, and knows nothing about the link.
      if (this.#isOpen && now - tickedNs <= PING_MS * STOPPED_PINGS * 1e6) this.window.lost(this.#creditBytes());
      return this.restart('the broker does not answer');
    }
    if (!this.#isOpen) return;
    const arrived = this.#owner.oldest().map((oldest) => oldest?.arrivedNs ?? now);
    if (now - Math.min(...arrived) > ANSWER_MS * 1e6) return this.restart('a request was not answered in time');
    this.ping();
  }

  #pong(n: number): void {
    const now = this.#options.clock.nowNs();
    this.window.pong(n, now);
    // Requests behind the oldest one are considered when that one is answered.
    for (const oldest of this.#owner.oldest()) {
      if (oldest !== undefined && oldest.pingAfter <= n) oldest.arrivedNs = Math.min(oldest.arrivedNs, now);
    }
    if (this.#isOpen) this.#owner.onPong();
  }

  /** Bytes that may be on their way to this client. */
  #creditBytes(): number {
    return this.#owner.credits().reduce((sum, { taken, through }) => sum + through - taken, 0);
  }

  #receive(frames: Frames): void {
    const message = decodeBrokerMessage(frames[0]);
    if (message === null || message.s !== this.#identity || this.#loss !== null) return;
    this.#incarnation ??= message.i;
    if (message.i !== this.#incarnation || message.t === 'reopen') {
      return this.restart(message.t === 'reopen' ? 'the broker does not know the session' : 'the broker was restarted');
    }
    this.#heardNs = this.#options.clock.nowNs();
    for (const { length } of frames) this.window.received(length);
    if (this.#told !== null && this.#isOpen) this.#told.commit = message.c;
    this.#handle(this.#isStamped ? message : withoutStamps(message, this.#heardNs), frames);
  }

  #handle(message: BrokerMessage & Envelope, frames: Frames): void {
    switch (message.t) {
      case 'opened':
        this.#isStamped = message.clock === this.#options.clockHash;
        return this.#opened(message.store, message.i, message.c);
      case 'lost':
        assert(this.#told !== null, 'a broker that was told nothing contradicts nothing');
        return this.#lose(lossError(lossDetail(message.vouching, this.#told)));
      case 'busy':
        if (!this.#isOpen) this.#restartLater(message.reason);
        return;
      case 'pong':
        return this.#pong(message.n);
      case 'reopen':
        return;
      case 'acks':
      case 'batches':
      case 'part':
      case 'end':
      case 'reply':
      case 'refused':
        return this.#owner.onMessage(message, frames);
      default:
    }
  }
}
