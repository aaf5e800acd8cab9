/**
 * The embedded broker: sessions and requests over the rules of `state.ts`. It is handed its store, clock and a way to
 * send, and owns no socket and no file.
 *
 * Every answer except a list waits until the commit that makes it true is durable. So does every batch that a reader
 * receives.
 */

import { unreachable } from '../../core/assert.ts';
import type { Clock, Timer } from '../../core/clock.ts';
import type { Store } from '../../store/store.ts';
import type { Frames } from '../../transport/transport.ts';
import type { AppendOutcome } from '../journals.ts';
import {
  type BrokerMessage,
  type Call,
  type ClientMessage,
  PROTOCOL_VERSION,
  decodeClientMessage,
  encodeHeader,
} from '../protocol.ts';
import { type CommitWatch, GroupCommit } from '../../store/group-commit.ts';
import { LINK_BYTES_MAX } from '../link-window.ts';
import { answerCall } from './calls.ts';
import type { DroppedPin } from './pins.ts';
import { Readers } from './readers.ts';
import { type Session, newSession } from './session.ts';
import { type BrokerConfig, BrokerState } from './state.ts';

/** A session that said nothing for so long is forgotten, unless its connection is known to have ended before. */
const SESSION_IDLE_MS = 10_000;
const SESSIONS_MAX = 1024;
/** The most answers to appends in one message, so that its header stays small. */
const ACKS_PER_MESSAGE_MAX = 256;
const TICK_MS = 500;

/** Is told where the broker is with what it accepts. */
export type BrokerWatch = CommitWatch & { accepted(): void };

export type BrokerOptions = {
  readonly store: Store;
  readonly clock: Clock;
  readonly config: BrokerConfig;
  /** Distinguishes this start of the broker from every other start. */
  readonly incarnation: string;
  /** Hash of the machine's boot id. Stamps of another boot are not comparable. */
  readonly bootHash: number;
  readonly send: (session: string, frames: Frames) => void;
  /** A verifier or an auditor was away or stuck for too long. It cannot go on. */
  readonly onPinDropped?: (dropped: DroppedPin) => void;
  /** The process must stop, because it does not know what the disk holds. */
  readonly onFatal: (error: unknown) => void;
  readonly watch?: BrokerWatch | undefined;
};

export type BrokerCounts = { commits: number; appends: number; bytesAppended: number; refusals: number };

export class Broker {
  readonly state: BrokerState;
  readonly counts: BrokerCounts = { commits: 0, appends: 0, bytesAppended: 0, refusals: 0 };
  readonly #options: BrokerOptions;
  readonly #commit: GroupCommit;
  readonly #sessions = new Map<string, Session>();
  readonly #withAcks = new Set<string>();
  readonly #readers: Readers;
  #timer: Timer | null = null;
  #tickedNs: number;
  #isClosed = false;

  constructor(options: BrokerOptions) {
    this.#options = options;
    this.state = new BrokerState(options.store, options.clock, options.config, options);
    this.#tickedNs = options.clock.nowNs();
    let isConfigured = false;
    this.#commit = new GroupCommit({
      store: options.store,
      fill: () => {
        const batch = this.state.fill();
        if (!isConfigured) this.state.fillConfig(batch);
        isConfigured = true;
        return batch;
      },
      onDurable: () => {
        this.counts.commits += 1;
        this.state.committed();
      },
      onAnswered: () => this.#afterCommit(),
      onFatal: options.onFatal,
      watch: options.watch,
    });
    this.#readers = new Readers({
      state: this.state,
      sessions: this.#sessions,
      send: (session, message, frames) => this.#send(session, message, frames),
      whenDurable: (call) => this.#commit.whenDurable(call),
    });
  }

  /** Resolves when the configuration is durable and clients may reach the broker. */
  start(): Promise<void> {
    this.#timer = this.#options.clock.after(TICK_MS, () => this.#tick());
    return new Promise((resolve) => this.#commit.accept(resolve));
  }

  /** Commits and answers everything that was accepted, and stops. */
  stop(): Promise<void> {
    this.#isClosed = true;
    this.#timer?.clear();
    return new Promise((resolve) => this.#commit.whenDurable(resolve));
  }

  /** A message has arrived. Whatever it holds, the broker stays up for the others. */
  receive(session: string, frames: Frames): void {
    if (this.#isClosed) return;
    const message = decodeClientMessage(frames[0]);
    if ('invalid' in message) {
      this.#send(session, { t: 'refused', id: null, reason: message.invalid });
      return;
    }
    const known = this.#sessions.get(session);
    if (known === undefined && message.t !== 'open') {
      this.#send(session, { t: 'reopen' });
      return;
    }
    if (known !== undefined && !this.#hear(session, known, frames)) return;
    this.#dispatch(session, message, frames);
  }

  /** Notes that a session has sent something. Ends a session with more bytes on their way than is agreed. */
  #hear(session: string, known: Session, frames: Frames): boolean {
    known.lastSeenNs = this.#options.clock.nowNs();
    for (const frame of frames) known.unpingedBytes += frame.length;
    if (known.unpingedBytes <= LINK_BYTES_MAX) return true;
    this.unreachable(session);
    this.#send(session, { t: 'refused', id: null, reason: `more than ${LINK_BYTES_MAX} bytes without a ping` });
    return false;
  }

  /** The client is gone, or does not take what it asked for. Its session ends, and delays no other. */
  unreachable(session: string): void {
    this.#sessions.delete(session);
    this.#withAcks.delete(session);
  }

  #dispatch(session: string, message: ClientMessage, frames: Frames): void {
    switch (message.t) {
      case 'open':
        this.#open(session, message);
        return;
      case 'ping':
        this.#ping(session, message);
        return;
      case 'credit':
        this.#readers.grant(session, message.credits);
        return;
      case 'append':
        this.#append(session, message, frames[1]);
        return;
      case 'read':
        this.#readers.read(session, message);
        return;
      case 'cancel':
        this.#sessions.get(session)?.streams.delete(message.stream);
        return;
      case 'call':
        this.#call(session, message.id, message.call);
        return;
      default:
        unreachable(message);
    }
  }

  #ping(session: string, { n, partBytes, credits }: Extract<ClientMessage, { t: 'ping' }>): void {
    const known = this.#sessions.get(session);
    if (known !== undefined) {
      known.partBytes = partBytes;
      known.unpingedBytes = 0;
    }
    this.#send(session, { t: 'pong', n });
    this.#readers.grant(session, credits);
  }

  #open(session: string, { version, witness }: Extract<ClientMessage, { t: 'open' }>): void {
    if (version !== PROTOCOL_VERSION) {
      this.#send(session, {
        t: 'refused',
        id: null,
        reason: `protocol version ${version}, this broker speaks ${PROTOCOL_VERSION}`,
      });
      return;
    }
    const vouching = witness === undefined ? 'held' : this.state.lineage.vouch(witness);
    if (vouching === 'lost' || vouching === 'another') return this.#send(session, { t: 'lost', vouching });
    if (!this.#sessions.has(session)) {
      if (this.#sessions.size >= SESSIONS_MAX) {
        this.#send(session, { t: 'busy', reason: `the broker has ${SESSIONS_MAX} sessions, and opens no more` });
        return;
      }
      this.#sessions.set(session, newSession(this.#options.clock.nowNs()));
    }
    this.#send(session, { t: 'opened', store: this.state.lineage.store, clock: this.#options.bootHash });
  }

  // --- appends ---

  #append(session: string, message: Extract<ClientMessage, { t: 'append' }>, frame: Uint8Array | undefined): void {
    const { id, journal, owner, part } = message;
    let bytes = frame ?? new Uint8Array(0);
    if (part !== undefined) {
      const whole = this.#sessions.get(session)?.assembly.take(id, part, bytes) ?? null;
      if (whole === 'broken') return this.#reopen(session);
      if (whole === null) return;
      bytes = whole;
    }
    const decision = this.state.append(journal, bytes, owner);
    if ('outcome' in decision) {
      if (decision.outcome === 'refused') {
        this.counts.refusals += 1;
        const full = this.state.journals.get(journal);
        if (full !== undefined && this.state.canTrim(full)) this.#commit.accept();
      }
      // Like `committed`, `expected` waits for the commit that makes it true.
      this.#commit.whenDurable(() => this.#acknowledge(session, id, stamped(decision, this.#options.clock)));
      if (this.#commit.isIdle) this.#flushAcks();
      return;
    }
    const { accepted } = decision;
    this.#options.watch?.accepted();
    this.counts.appends += 1;
    this.counts.bytesAppended += accepted.end - accepted.begin;
    this.#commit.accept(() => {
      const { begin, end } = accepted;
      this.#acknowledge(session, id, { outcome: 'committed', begin, end, stampNs: this.#options.clock.nowNs() });
    });
  }

  /** From here on, messages of the client cannot be understood. */
  #reopen(session: string): void {
    this.unreachable(session);
    this.#send(session, { t: 'reopen' });
  }

  #acknowledge(session: string, id: number, outcome: AppendOutcome): void {
    const known = this.#sessions.get(session);
    if (known === undefined) return;
    known.acks.push({ id, outcome });
    this.#withAcks.add(session);
  }

  #flushAcks(): void {
    for (const session of this.#withAcks) {
      const known = this.#sessions.get(session);
      if (known === undefined) continue;
      while (known.acks.length > 0) {
        this.#send(session, { t: 'acks', acks: known.acks.splice(0, ACKS_PER_MESSAGE_MAX) });
      }
    }
    this.#withAcks.clear();
  }

  #afterCommit(): void {
    this.#flushAcks();
    this.#readers.pumpAll();
  }

  // --- calls ---

  #call(session: string, id: number, call: Call): void {
    const reply = (result: unknown): void => this.#send(session, { t: 'reply', id, result });
    answerCall(call, this.state, {
      reply,
      durably: (result) => this.#commit.whenDurable(() => reply(stamped(result, this.#options.clock))),
      refuse: (reason) => this.#send(session, { t: 'refused', id, reason }),
      commit: (whenDurable) => this.#commit.accept(whenDurable),
    });
  }

  // --- time ---

  #tick(): void {
    const { clock } = this.#options;
    const now = clock.nowNs();
    for (const [session, { lastSeenNs }] of this.#sessions) {
      if (now - lastSeenNs > SESSION_IDLE_MS * 1e6) this.unreachable(session);
    }
    // A broker that was stopped could not hear anybody: its own absence must not count as theirs.
    const elapsedMs = Math.min((now - this.#tickedNs) / 1e6, TICK_MS * 2);
    this.#tickedNs = now;
    for (const dropped of this.state.pins.pass(elapsedMs)) this.#options.onPinDropped?.(dropped);
    if (this.state.pins.isDirty || this.state.hasStamps) this.#commit.accept();
    this.#timer = clock.after(TICK_MS, () => this.#tick());
  }

  #send(session: string, message: BrokerMessage, frames: Frames = []): void {
    const envelope = { i: this.#options.incarnation, s: session, c: this.state.lineage.durable };
    this.#options.send(session, [encodeHeader({ ...message, ...envelope }), ...frames]);
  }
}

/** `expected` carries the broker's time of the answer. */
function stamped<T>(result: T, clock: Clock): T {
  const isExpected =
    typeof result === 'object' && result !== null && (result as { outcome?: string }).outcome === 'expected';
  return isExpected ? { ...result, stampNs: clock.nowNs() } : result;
}
