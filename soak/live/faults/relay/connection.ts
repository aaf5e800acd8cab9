/**
 * One connection of a client through a relay: the client's socket, the broker's socket, and a lane for each direction.
 * While the broker does not listen, it is dialled again and again, as long as the client waits. To the client this is a
 * broker that has not answered yet.
 *
 * The end of one side reaches the other side behind everything that came before it.
 */

import { connect, type Socket } from 'node:net';
import type { Clock, Timer } from '../../../../src/core/clock.ts';
import type { Prng } from '../../../../src/core/prng.ts';
import type { MutableLink } from './counters.ts';
import { Lane } from './lane.ts';
import { DIRECTIONS, type Direction, drops, type LinkMode } from './link-mode.ts';

const DIAL_AGAIN_MS = 10;

export type Address = { readonly path: string } | { readonly host: string; readonly port: number };

export type ConnectionOptions = {
  readonly client: Socket;
  readonly broker: Address;
  readonly mode: LinkMode;
  readonly counters: MutableLink;
  readonly clock: Clock;
  readonly prng: Prng;
  readonly onClosed: (connection: Connection) => void;
};

export class Connection {
  readonly #options: ConnectionOptions;
  readonly #client: Socket;
  #broker: Socket | null = null;
  #mode: LinkMode;
  readonly #lanes: Partial<Record<Direction, Lane>> = {};
  #redial: Timer | null = null;
  /** Bytes of both directions that pass before the connection is cut; null: it is not cut. */
  #cutAfter: number | null = null;
  #isOver = false;

  constructor(options: ConnectionOptions) {
    this.#options = options;
    this.#client = options.client;
    this.#mode = options.mode;
    options.client.setNoDelay(true);
    this.#drawCut();
    this.#lanes['to-broker'] = this.#lane('to-broker', options.client);
    options.client.on('close', () => this.#closedBy('to-broker'));
    if (!this.#isUnreachable()) this.#dial();
  }

  set(mode: LinkMode): void {
    const ends = DIRECTIONS.some((direction) => drops(this.#mode, direction) && !drops(mode, direction));
    const hasDropped = DIRECTIONS.some((direction) => this.#lanes[direction]?.hasDropped === true);
    this.#mode = mode;
    if (ends || mode.mode === 'refuse' || (hasDropped && mode.mode !== 'drop')) return this.reset();
    this.#drawCut();
    for (const lane of Object.values(this.#lanes)) lane.set(mode);
  }

  /** Ends the connection at both sides at once: everything under way is lost. */
  reset(): void {
    if (this.#isOver) return;
    this.#options.counters.connectionsReset += 1;
    this.#over();
  }

  /** Ends the connection without counting it. */
  close(): void {
    this.#over();
  }

  /** Brings the gauges up to date. */
  look(): void {
    for (const lane of Object.values(this.#lanes)) lane.look();
  }

  #over(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#redial?.clear();
    for (const lane of Object.values(this.#lanes)) lane.sinkGone();
    const transport = 'path' in this.#options.broker ? 'ipc' : 'tcp';
    resetSocket(this.#client, transport);
    if (this.#broker !== null) resetSocket(this.#broker, transport);
    this.#options.onClosed(this);
  }

  /** Nothing passes in any direction, and the broker never hears of it. */
  #isUnreachable(): boolean {
    return DIRECTIONS.every((direction) => drops(this.#mode, direction));
  }

  #drawCut(): void {
    this.#cutAfter = this.#mode.mode === 'reset' ? this.#options.prng.between(1, this.#mode.bytesMax) : null;
  }

  #dial(): void {
    const { broker: address, clock } = this.#options;
    const broker = connect({ ...address, allowHalfOpen: true });
    broker.pause();
    broker.setNoDelay(true);
    const onFailed = (): void => {
      broker.destroy();
      if (!this.#isOver) this.#redial = clock.after(DIAL_AGAIN_MS, () => this.#dial());
    };
    broker.once('error', onFailed);
    broker.once('connect', () => {
      broker.off('error', onFailed);
      if (this.#isOver) broker.destroy();
      else this.#made(broker);
    });
  }

  #made(broker: Socket): void {
    this.#broker = broker;
    this.#options.counters.connectionsMade += 1;
    const toClient = this.#lane('to-client', broker);
    this.#lanes['to-client'] = toClient;
    broker.on('close', () => this.#closedBy('to-client'));
    toClient.attach(this.#client);
    this.#lanes['to-broker']?.attach(broker);
    broker.resume();
  }

  #lane(direction: Direction, source: Socket): Lane {
    const { counters, clock, prng } = this.#options;
    return new Lane({
      direction,
      source,
      counters: counters[direction],
      clock,
      prng,
      mode: this.#mode,
      cutAfter: (length) => this.#spend(length),
      onCut: () => {
        counters.connectionsCutInFrame += 1;
        this.reset();
      },
      onPassed: (isReset) => this.#passed(direction, isReset),
    });
  }

  #spend(length: number): number | null {
    if (this.#cutAfter === null) return null;
    if (this.#cutAfter <= length) return this.#cutAfter;
    this.#cutAfter -= length;
    return null;
  }

  /** One side has ended, and the other side has everything that came before. */
  #passed(direction: Direction, isReset: boolean): void {
    if (this.#isOver) return;
    const sink = direction === 'to-broker' ? this.#broker : this.#client;
    if (sink === null || isReset) return this.#over();
    sink.end();
    this.#lanes[opposite(direction)]?.sinkGone();
  }

  /** A socket is gone: nothing comes from it or goes to it. */
  #closedBy(direction: Direction): void {
    if (this.#isOver) return;
    this.#lanes[opposite(direction)]?.sinkGone();
    const other = direction === 'to-broker' ? this.#broker : this.#client;
    // The broker never heard of the connection, or has heard of both ends. Otherwise the other side hears of this end
    // behind everything that came before.
    if (other === null || other.destroyed) this.#over();
  }
}

function opposite(direction: Direction): Direction {
  return direction === 'to-broker' ? 'to-client' : 'to-broker';
}

/** TCP: RST. On an ipc socket the other side sees an end, or a reset if something that it sent was unread. */
export function resetSocket(socket: Socket, transport: 'ipc' | 'tcp'): void {
  if (transport === 'tcp') socket.resetAndDestroy();
  else socket.destroy();
}
