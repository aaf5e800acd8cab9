/**
 * Links over ZeroMQ: the one import of zeromq. DEALER at the client, ROUTER at the broker.
 *
 * - The routing id is the session, so a client that reconnects under a new session is a new peer.
 * - libzmq reconnects on its own and loses the messages in flight. So at the first sign of a lost connection the link
 *   ends, and its owner dials again.
 * - libzmq gets no bound on received messages and sends no heartbeats, because it would abort the process (D-LINK-1).
 *   The owners of both ends bound what is in flight, and notice a silent peer.
 * - ROUTER with `mandatory` and `sendTimeout: 0`: a full or vanished client gives an error for that client, never a
 *   wait.
 * - `linger: 0`, because the process would not exit otherwise. Each socket has one send queue, because a second
 *   `send` throws while the first one waits.
 *
 * Rule P-SESSION-1 of docs/protocol.md.
 */

import { Dealer, Router, version } from 'zeromq';
import { type Clock, type Timer, systemClock } from '../core/clock.ts';
import { OperatingError, UsageError } from '../core/errors.ts';
import { FileLock } from '../hash/file-lock.ts';
import { coalesce, separate } from './coalesce.ts';
import { CLIENT_FILES, SESSION_FILES, connectionsWithin, openFiles, requireFiles } from './descriptors.ts';
import type { Endpoint } from './endpoint.ts';
import type { ClientLink, ClientLinkEvents, Dialer, Frames, ServerLink, ServerLinkEvents } from './transport.ts';

/** The version of the library that is loaded. */
export const libzmqVersion: string = version;

/** libzmq refuses a message above this size, and drops the connection by which it came. */
const MESSAGE_BYTES_MAX = 16 * 1024 * 1024;
/** Messages queued to one peer. Credit keeps what the broker sends to a client below it. */
export const SEND_QUEUE_MESSAGES = 16_384;
const RECONNECT_MS = 20;
const RECONNECT_MS_MAX = 200;
/** A link that ends sooner counts as refused. */
const LASTING_MS = 1_000;
/** Functions of libzmq that a socket must not use: see the head of this file. 0 switches both off. */
const UNSAFE_IN_LIBZMQ = { receiveHighWaterMark: 0, heartbeatInterval: 0 } as const;
/** The kernel ends a TCP connection whose peer has acknowledged nothing for so long, or does not answer a probe. */
const TCP_PEER_LOST = {
  tcpMaxRetransmitTimeout: 20_000,
  tcpKeepalive: 1,
  tcpKeepaliveIdle: 10,
  tcpKeepaliveInterval: 5,
  tcpKeepaliveCount: 2,
} as const;
/** Accepted connections after which the broker counts its open files. */
const ACCEPTS_PER_CHECK = 16;
/** How often the broker tries again to bind an address that libzmq has not yet given back. */
const REBIND_MS = 10;
const REBIND_TRIES_MAX = 1_000;

export class ZeromqDialer implements Dialer {
  readonly #endpoint: Endpoint;
  readonly #clock: Clock;
  /** How many links in a row have ended at once: something accepts connections, and ends them or dies. */
  #failures = 0;

  /** Throws an OperatingError when the process may not open the files that a session needs. */
  constructor(endpoint: Endpoint, clock: Clock = systemClock) {
    this.#endpoint = endpoint;
    this.#clock = clock;
    requireFiles(CLIENT_FILES, `a connection to ${endpoint.address}`);
  }

  /** Dials at once. After a link that has ended at once, it dials as late as libzmq would where nobody listens. */
  dial(session: string, events: ClientLinkEvents): ClientLink {
    const delayMs = this.#failures === 0 ? 0 : Math.min(RECONNECT_MS_MAX, RECONNECT_MS * 2 ** (this.#failures - 1));
    const connectedNs = this.#clock.nowNs() + delayMs * 1e6;
    const onDown = (reason: string): void => {
      const hasLasted = this.#clock.nowNs() - connectedNs >= LASTING_MS * 1e6;
      this.#failures = hasLasted ? 0 : this.#failures + 1;
      events.onDown(reason);
    };
    const options = { endpoint: this.#endpoint, session, clock: this.#clock, delayMs };
    return new DealerLink(options, { onMessage: (frames) => events.onMessage(frames), onDown });
  }
}

type DealerLinkOptions = {
  readonly endpoint: Endpoint;
  readonly session: string;
  readonly clock: Clock;
  /** Delay before it connects. Messages that are sent earlier wait. */
  readonly delayMs: number;
};

class DealerLink implements ClientLink {
  readonly #options: DealerLinkOptions;
  readonly #events: ClientLinkEvents;
  readonly #queue: Frames[] = [];
  #socket: Dealer | null = null;
  #timer: Timer | null = null;
  #sending = false;
  #over = false;

  constructor(options: DealerLinkOptions, events: ClientLinkEvents) {
    this.#options = options;
    this.#events = events;
    if (options.delayMs === 0) this.#connect();
    else this.#timer = options.clock.after(options.delayMs, () => this.#connect());
  }

  #connect(): void {
    const { endpoint, session, clock } = this.#options;
    try {
      requireFiles(SESSION_FILES, `a connection to ${endpoint.address}`);
      const socket = new Dealer({
        routingId: session,
        linger: 0,
        sendHighWaterMark: SEND_QUEUE_MESSAGES,
        maxMessageSize: MESSAGE_BYTES_MAX,
        reconnectInterval: RECONNECT_MS,
        reconnectMaxInterval: RECONNECT_MS_MAX,
        ipv6: isIpv6(endpoint),
        ...UNSAFE_IN_LIBZMQ,
        ...TCP_PEER_LOST,
      });
      this.#socket = socket;
      socket.events.on('disconnect', () => this.#down('the connection was lost'));
      socket.connect(endpoint.address);
      void this.#receive(socket);
      if (this.#queue.length > 0) this.#drainSoon(socket);
    } catch (error) {
      // The error may pass, because the process may close other files.
      this.#timer = clock.after(RECONNECT_MS_MAX, () => this.#down(messageOf(error)));
    }
  }

  send(frames: Frames): void {
    if (this.#over) return;
    this.#queue.push(frames);
    if (this.#socket !== null) this.#drainSoon(this.#socket);
  }

  close(): void {
    if (this.#over) return;
    this.#over = true;
    this.#queue.length = 0;
    this.#timer?.clear();
    this.#socket?.close();
  }

  /** Messages that are sent later in this turn go along. */
  #drainSoon(socket: Dealer): void {
    if (this.#sending) return;
    this.#sending = true;
    queueMicrotask(() => void this.#drain(socket));
  }

  async #drain(socket: Dealer): Promise<void> {
    try {
      while (this.#queue.length > 0) await socket.send(coalesce(this.#queue) as Buffer[]);
    } catch (error) {
      this.#down(`cannot send: ${messageOf(error)}`);
    } finally {
      this.#sending = false;
    }
  }

  async #receive(socket: Dealer): Promise<void> {
    try {
      for await (const frames of socket) {
        for (const message of separate(frames) ?? []) {
          if (this.#over) return;
          this.#events.onMessage(message);
        }
      }
    } catch (error) {
      this.#down(`cannot receive: ${messageOf(error)}`);
    }
  }

  #down(reason: string): void {
    if (this.#over) return;
    this.close();
    this.#events.onDown(reason);
  }
}

/** Binds the broker's socket. An address in use gives a UsageError. */
export async function listenZeromq(endpoint: Endpoint, events: ServerLinkEvents): Promise<ServerLink> {
  let lock: FileLock | null = null;
  if (endpoint.kind === 'ipc') {
    // A second bind to a live ipc path succeeds and steals it, so a kernel lock beside the path guards it.
    try {
      lock = FileLock.tryAcquire(`${endpoint.path}.lock`);
    } catch (error) {
      throw new UsageError(`cannot listen on ${endpoint.address}: ${messageOf(error)}`);
    }
    if (lock === null)
      throw new UsageError(`cannot listen on ${endpoint.address}: the path is in use by another broker`);
  }
  let socket: BrokerSocket | null = null;
  let connectionsMax = 0;
  try {
    connectionsMax = connectionsWithin(`a broker on ${endpoint.address}`);
    socket = new BrokerSocket(endpoint);
    await socket.bind(endpoint.address);
  } catch (error) {
    socket?.close();
    lock?.release();
    if (error instanceof OperatingError) throw error;
    throw new UsageError(`cannot listen on ${endpoint.address}: ${messageOf(error)}`);
  }
  return new RouterLink({ socket, endpoint, lock, connectionsMax, events });
}

/** An option of libzmq's draft interface without a name in zeromq.js. */
const ZMQ_ROUTER_NOTIFY = 97;
const ZMQ_NOTIFY_DISCONNECT = 2;

/**
 * A ROUTER that reports the end of a peer's connection by an empty message, after everything that the peer had sent.
 */
class BrokerSocket extends Router {
  constructor(endpoint: Endpoint) {
    super({
      mandatory: true,
      sendTimeout: 0,
      linger: 0,
      sendHighWaterMark: SEND_QUEUE_MESSAGES,
      maxMessageSize: MESSAGE_BYTES_MAX,
      ipv6: isIpv6(endpoint),
      ...UNSAFE_IN_LIBZMQ,
      ...TCP_PEER_LOST,
    });
    this.setInt32Option(ZMQ_ROUTER_NOTIFY, ZMQ_NOTIFY_DISCONNECT);
  }
}

type RouterLinkOptions = {
  readonly socket: BrokerSocket;
  readonly endpoint: Endpoint;
  readonly lock: FileLock | null;
  readonly connectionsMax: number;
  readonly events: ServerLinkEvents;
};

class RouterLink implements ServerLink {
  readonly #options: RouterLinkOptions;
  readonly #filesAtStart: number;
  #socket: BrokerSocket;
  /** Send queues by session, in the order of first use. */
  #queues = new Map<string, Frames[]>();
  /** Sessions whose messages came by the present socket, and whose connection is not known to have ended. */
  #sessions = new Set<string>();
  #accepts = 0;
  #sending = false;
  #isReplacing = false;
  #closed = false;

  constructor(options: RouterLinkOptions) {
    this.#options = options;
    this.#socket = options.socket;
    this.#filesAtStart = openFiles() ?? 0;
    this.#serve(options.socket);
  }

  send(session: string, frames: Frames): void {
    if (this.#closed) return;
    const queue = this.#queues.get(session);
    if (queue === undefined) this.#queues.set(session, [frames]);
    else queue.push(frames);
    if (this.#sending) return;
    this.#sending = true;
    queueMicrotask(() => void this.#drain());
  }

  async close(): Promise<void> {
    while (this.#sending) await new Promise((resolve) => setImmediate(resolve));
    this.#closed = true;
    this.#socket.close();
    this.#options.lock?.release();
  }

  #serve(socket: BrokerSocket): void {
    // Counting connections bounds them too: libzmq waits when 1,000 events wait to be heard at either end.
    socket.events.on('accept', () => this.#accepted());
    socket.events.on('accept:error', () => this.#accepted());
    void this.#receive(socket);
  }

  async #drain(): Promise<void> {
    while (this.#queues.size > 0 && !this.#closed) {
      const queues = this.#queues;
      this.#queues = new Map();
      for (const [session, queue] of queues) {
        while (queue.length > 0 && !this.#closed) await this.#sendTo(session, queue);
      }
    }
    this.#sending = false;
  }

  /** Never waits: the socket has a send timeout of 0. */
  async #sendTo(session: string, queue: Frames[]): Promise<void> {
    try {
      if (this.#isReplacing) queue.length = 0;
      else await this.#socket.send([Buffer.from(session, 'latin1'), ...(coalesce(queue) as Buffer[])]);
    } catch (error) {
      if (this.#closed || this.#isReplacing) return;
      queue.length = 0;
      const code = (error as { code?: string }).code;
      if (code === 'EAGAIN' || code === 'EHOSTUNREACH') this.#options.events.onUnreachable(session);
      else this.#fail('cannot send', error);
    }
  }

  async #receive(socket: BrokerSocket): Promise<void> {
    try {
      for await (const [identity, ...frames] of socket) {
        if (this.#closed || socket !== this.#socket) return;
        if (identity === undefined) continue;
        const session = identity.toString('latin1');
        if (frames.length === 1 && frames[0]?.length === 0) {
          this.#sessions.delete(session);
          this.#options.events.onUnreachable(session);
          continue;
        }
        this.#sessions.add(session);
        // A message that does not come apart is passed on as it is, and its reader refuses it.
        for (const message of separate(frames) ?? [frames]) this.#options.events.onMessage(session, message);
      }
    } catch (error) {
      if (!this.#closed && socket === this.#socket) this.#fail('cannot receive', error);
    }
  }

  // --- too many connections ---

  #accepted(): void {
    this.#accepts += 1;
    if (this.#accepts % ACCEPTS_PER_CHECK !== 0 || this.#closed || this.#isReplacing) return;
    if ((openFiles() ?? 0) - this.#filesAtStart > this.#options.connectionsMax) void this.#replace();
  }

  /**
   * Ends every connection and listens anew. libzmq cannot end a single connection, and aborts when an ipc endpoint
   * cannot accept any more. Clients dial again.
   */
  async #replace(): Promise<void> {
    this.#isReplacing = true;
    this.#socket.close();
    const sessions = this.#sessions;
    this.#sessions = new Set();
    for (const session of sessions) this.#options.events.onUnreachable(session);
    for (let tries = 1; !this.#closed; tries += 1) {
      let socket: BrokerSocket | null = null;
      try {
        socket = new BrokerSocket(this.#options.endpoint);
        await socket.bind(this.#options.endpoint.address);
      } catch (error) {
        // The closed socket gives its files and its TCP port back a moment later.
        socket?.close();
        if (tries === REBIND_TRIES_MAX) return this.#fail('cannot listen again', error);
        await new Promise((resolve) => setTimeout(resolve, REBIND_MS));
        continue;
      }
      if (this.#closed) return socket.close();
      this.#socket = socket;
      this.#isReplacing = false;
      return this.#serve(socket);
    }
  }

  #fail(what: string, error: unknown): void {
    const detail = `${what}: ${messageOf(error)}`;
    this.#options.events.onFatal(new OperatingError('ERR_TRANSPORT', detail, { cause: error }));
  }
}

/** libzmq resolves such an address only on request. */
function isIpv6(endpoint: Endpoint): boolean {
  return endpoint.kind === 'tcp' && endpoint.host.startsWith('[');
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
