/**
 * The relay's part of one link: it listens where its client dials, and carries each connection to the broker as its
 * mode says. A new mode replaces the old one, for existing and for new connections.
 */

import { createServer, type Server, type Socket } from 'node:net';
import { rm } from 'node:fs/promises';
import { type Clock, delay } from '../../../../src/core/clock.ts';
import { OperatingError } from '../../../../src/core/errors.ts';
import { Prng } from '../../../../src/core/prng.ts';
import { parseEndpoint, type Endpoint } from '../../../../src/transport/endpoint.ts';
import { type Address, Connection, resetSocket } from './connection.ts';
import { type LinkCounters, noCounters } from './counters.ts';
import { type LinkMode, PASS } from './link-mode.ts';

/** With more connections the oldest is reset. Otherwise connections whose ends nobody sees would be kept for ever. */
export const CONNECTIONS_MAX: number = 64;
/** For a moment a connection may take a port that was given back. */
const LISTEN_AGAIN_MS = 10;
const LISTEN_TRIES_MAX = 500;

export class RelayLink {
  readonly #counters;
  readonly #clock: Clock;
  readonly #listen: Endpoint;
  readonly #broker: Address;
  readonly #connections = new Set<Connection>();
  #server: Server | null = null;
  #mode: LinkMode = PASS;
  #prng = Prng.fromSeed(0);
  /** Modes are set one after the other. */
  #setting: Promise<void> = Promise.resolve();

  /** `listen` and `broker`: endpoints as components get them. */
  constructor(options: {
    readonly name: string;
    readonly listen: string;
    readonly broker: string;
    readonly clock: Clock;
  }) {
    this.#counters = noCounters(options.name);
    this.#clock = options.clock;
    this.#listen = parseEndpoint(options.listen);
    this.#broker = addressOf(parseEndpoint(options.broker));
  }

  async open(): Promise<void> {
    for (let tries = 1; ; tries += 1) {
      try {
        return await this.#open();
      } catch (error) {
        if ((error as { code?: unknown }).code !== 'EADDRINUSE' || tries === LISTEN_TRIES_MAX) {
          const reason = error instanceof Error ? error.message : String(error);
          throw new OperatingError('ERR_RELAY', `cannot listen on ${this.#listen.address}: ${reason}`, {
            cause: error,
          });
        }
        await delay(this.#clock, LISTEN_AGAIN_MS);
      }
    }
  }

  /** Resolves when the mode holds. `seed` decides its random parts. */
  set(mode: LinkMode, seed: number): Promise<void> {
    this.#setting = this.#setting.then(() => this.#set(mode, seed));
    return this.#setting;
  }

  get counters(): LinkCounters {
    for (const connection of this.#connections) connection.look();
    return structuredClone(this.#counters);
  }

  async close(): Promise<void> {
    await this.#unlisten();
    for (const connection of this.#connections) connection.close();
  }

  async #set(mode: LinkMode, seed: number): Promise<void> {
    this.#mode = mode;
    this.#prng = Prng.fromSeed(seed, ...Buffer.from(this.#counters.link));
    const isListening = mode.mode !== 'refuse' || mode.how === 'reset';
    if (!isListening) await this.#unlisten();
    for (const connection of this.#connections) connection.set(mode);
    if (isListening && this.#server === null) await this.open();
  }

  #open(): Promise<void> {
    return new Promise((resolve, reject) => {
      const server = createServer({ allowHalfOpen: true }, (client) => this.#accept(client));
      server.once('error', reject);
      server.listen(this.#listen.kind === 'ipc' ? { path: this.#listen.path } : addressOf(this.#listen), () => {
        server.off('error', reject);
        // A client dials again when its connection could not be accepted.
        server.on('error', () => undefined);
        this.#server = server;
        resolve();
      });
    });
  }

  async #unlisten(): Promise<void> {
    this.#server?.close();
    this.#server = null;
    if (this.#listen.kind === 'ipc') await rm(this.#listen.path, { force: true });
  }

  #accept(client: Socket): void {
    const counters = this.#counters;
    // Ignores errors before the connection has a lane.
    client.on('error', () => undefined);
    if (this.#mode.mode === 'refuse') {
      counters.connectionsRefused += 1;
      return resetSocket(client, this.#listen.kind);
    }
    counters.connectionsAccepted += 1;
    if (this.#connections.size >= CONNECTIONS_MAX) {
      const [oldest] = this.#connections;
      oldest?.reset();
    }
    const connection = new Connection({
      client,
      broker: this.#broker,
      mode: this.#mode,
      counters,
      clock: this.#clock,
      prng: Prng.fromSeed(this.#prng.next32()),
      onClosed: (closed) => {
        if (this.#connections.delete(closed)) counters.connectionsOpen -= 1;
      },
    });
    this.#connections.add(connection);
    counters.connectionsOpen += 1;
  }
}

function addressOf(endpoint: Endpoint): Address {
  if (endpoint.kind === 'ipc') return { path: endpoint.path };
  return { host: endpoint.host.replaceAll(/[[\]]/g, ''), port: endpoint.port };
}
