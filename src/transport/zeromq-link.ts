/**
 * Links over ZeroMQ: the one import of zeromq. DEALER at the client, ROUTER at the broker.
 *
 * - The routing id is the session, so a client that reconnects under a new session is a new peer.
 * - libzmq reconnects by itself and loses what was in flight: on the first sign of a lost connection the link is over,
 *   and its owner dials again.
 * - ROUTER with `mandatory` and `sendTimeout: 0`: a full or vanished client is an error of that client, never a wait.
 * - `linger: 0`, or the process would not exit. One send queue a socket: a second send that had to wait would throw.
 */

import { Dealer, Router, version } from 'zeromq';
import { OperatingError, UsageError } from '../core/errors.ts';
import { FileLock } from '../hash/file-lock.ts';
import { coalesce, separate } from './coalesce.ts';
import type { Endpoint } from './endpoint.ts';
import type { ClientLink, ClientLinkEvents, Dialer, Frames, ServerLink, ServerLinkEvents } from './transport.ts';

/** The version of the library that is loaded. */
export const libzmqVersion: string = version;

/** A message above this is refused by libzmq, which drops the connection it came by. */
const MESSAGE_BYTES_MAX = 16 * 1024 * 1024;
/** Messages queued to one peer. Credit keeps what the broker sends to a client below it. */
export const SEND_QUEUE_MESSAGES = 16_384;
const RECEIVE_QUEUE_MESSAGES = 64;
const RECONNECT_MS = 20;
const RECONNECT_MS_MAX = 200;
const HEARTBEAT = { heartbeatInterval: 250, heartbeatTimeout: 1000, heartbeatTimeToLive: 1000 };

export class ZeromqDialer implements Dialer {
  readonly #endpoint: Endpoint;

  constructor(endpoint: Endpoint) {
    this.#endpoint = endpoint;
  }

  dial(session: string, events: ClientLinkEvents): ClientLink {
    return new DealerLink(this.#endpoint, session, events);
  }
}

class DealerLink implements ClientLink {
  readonly #socket: Dealer;
  readonly #events: ClientLinkEvents;
  readonly #queue: Frames[] = [];
  #sending = false;
  #over = false;

  constructor(endpoint: Endpoint, session: string, events: ClientLinkEvents) {
    this.#events = events;
    this.#socket = new Dealer({
      routingId: session,
      linger: 0,
      sendHighWaterMark: SEND_QUEUE_MESSAGES,
      receiveHighWaterMark: RECEIVE_QUEUE_MESSAGES,
      maxMessageSize: MESSAGE_BYTES_MAX,
      reconnectInterval: RECONNECT_MS,
      reconnectMaxInterval: RECONNECT_MS_MAX,
      ipv6: isIpv6(endpoint),
      ...HEARTBEAT,
    });
    this.#socket.events.on('disconnect', () => this.#down('the connection was lost'));
    this.#socket.connect(endpoint.address);
    void this.#receive();
  }

  send(frames: Frames): void {
    if (this.#over) return;
    this.#queue.push(frames);
    if (this.#sending) return;
    // What else is sent in this turn goes along.
    this.#sending = true;
    queueMicrotask(() => void this.#drain());
  }

  close(): void {
    if (this.#over) return;
    this.#over = true;
    this.#queue.length = 0;
    this.#socket.close();
  }

  async #drain(): Promise<void> {
    try {
      while (this.#queue.length > 0) await this.#socket.send(coalesce(this.#queue) as Buffer[]);
    } catch (error) {
      this.#down(`cannot send: ${messageOf(error)}`);
    } finally {
      this.#sending = false;
    }
  }

  async #receive(): Promise<void> {
    try {
      for await (const frames of this.#socket) {
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

/** Binds the broker's socket. An address in use is a UsageError. */
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
  const socket = new Router({
    mandatory: true,
    sendTimeout: 0,
    linger: 0,
    sendHighWaterMark: SEND_QUEUE_MESSAGES,
    receiveHighWaterMark: RECEIVE_QUEUE_MESSAGES,
    maxMessageSize: MESSAGE_BYTES_MAX,
    ipv6: isIpv6(endpoint),
    ...HEARTBEAT,
  });
  try {
    await socket.bind(endpoint.address);
  } catch (error) {
    socket.close();
    lock?.release();
    throw new UsageError(`cannot listen on ${endpoint.address}: ${messageOf(error)}`);
  }
  return new RouterLink(socket, lock, events);
}

class RouterLink implements ServerLink {
  readonly #socket: Router;
  readonly #lock: FileLock | null;
  readonly #events: ServerLinkEvents;
  /** By session, in the order of first use. */
  #queues = new Map<string, Frames[]>();
  #sending = false;
  #closed = false;

  constructor(socket: Router, lock: FileLock | null, events: ServerLinkEvents) {
    this.#socket = socket;
    this.#lock = lock;
    this.#events = events;
    void this.#receive();
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
    this.#lock?.release();
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
      await this.#socket.send([Buffer.from(session, 'latin1'), ...(coalesce(queue) as Buffer[])]);
    } catch (error) {
      if (this.#closed) return;
      queue.length = 0;
      const code = (error as { code?: string }).code;
      if (code === 'EAGAIN' || code === 'EHOSTUNREACH') this.#events.onUnreachable(session);
      else {
        const detail = `cannot send: ${messageOf(error)}`;
        this.#events.onFatal(new OperatingError('ERR_TRANSPORT', detail, { cause: error }));
      }
    }
  }

  async #receive(): Promise<void> {
    try {
      for await (const [identity, ...frames] of this.#socket) {
        if (this.#closed) return;
        if (identity === undefined) continue;
        const session = identity.toString('latin1');
        // A message that does not come apart is passed on as it is, and refused by who reads it.
        for (const message of separate(frames) ?? [frames]) this.#events.onMessage(session, message);
      }
    } catch (error) {
      if (!this.#closed)
        this.#events.onFatal(
          new OperatingError('ERR_TRANSPORT', `cannot receive: ${messageOf(error)}`, { cause: error }),
        );
    }
  }
}

/** libzmq resolves such an address only when it is told to. */
function isIpv6(endpoint: Endpoint): boolean {
  return endpoint.kind === 'tcp' && endpoint.host.startsWith('[');
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
