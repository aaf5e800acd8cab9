/**
 * A simulated network between clients and one broker, as libzmq shows it. Messages of a session keep their order while
 * its connection lasts. A connection that breaks loses what was in flight: all of it, or what came after some point.
 * Either side learns of that late, or never. The rest of an old session arrives when a new session is already open, and
 * messages that have arrived may arrive again (`late-copies.ts`).
 */

import { assert } from '../../../src/core/assert.ts';
import { Prng } from '../../../src/core/prng.ts';
import type {
  ClientLink,
  ClientLinkEvents,
  Dialer,
  Frames,
  ServerLink,
  ServerLinkEvents,
} from '../../../src/transport/transport.ts';
import type { Counters } from './counters.ts';
import type { Incarnation } from './incarnation.ts';
import { isFenced, isOfType } from './headers.ts';
import type { Kernel } from './kernel.ts';
import { LateCopies } from './late-copies.ts';
import { DIRECTIONS, type Direction, type Flight, Lane, type Link, Weather, survivorsOf } from './link.ts';

/** What faults do to the links of a process, whoever is at their other ends. */
export type Links = Pick<Network, 'block' | 'unblock' | 'slow' | 'breakLinks' | 'unreachable' | 'affected'>;

export type NetworkOptions = {
  readonly kernel: Kernel;
  readonly seed: number;
  readonly counters: Counters;
  /** The delay of one message, in ns: the least, and the most that is added at random. */
  readonly delayNs: number;
  readonly jitterNs: number;
};

const BROKER = 'broker';
/** How long until the broker can tell that a peer is gone. */
const GONE_NS = 5e6;
const NOTICE_NS = 1.2e9;
const LATE_NS = 2e9;

export class Network {
  readonly #options: NetworkOptions;
  readonly #links = new Map<string, Link>();
  readonly #weather = new Map<string, Weather>();
  #server: { readonly broker: Incarnation; readonly events: ServerLinkEvents } | null = null;

  constructor(options: NetworkOptions) {
    this.#options = options;
  }

  dialer(client: Incarnation): Dialer {
    return {
      dial: (session, events) => this.#dial(client, session, events),
    };
  }

  /** The broker's socket. One broker at a time. */
  listen(broker: Incarnation, events: ServerLinkEvents): ServerLink {
    assert(this.#server === null || this.#server.broker.isOver, 'one broker listens at a time');
    this.#server = { broker, events };
    for (const link of this.#links.values()) this.#release(link, 'to-broker');
    return {
      send: (session, frames) => {
        if (broker.isAlive()) this.#answer(broker, session, frames);
      },
      close: () => {
        if (this.#server?.broker === broker) this.brokerGone();
        return Promise.resolve();
      },
    };
  }

  // --- what goes wrong ---

  /** The broker's process has ended: every connection breaks. */
  brokerGone(): void {
    this.#server = null;
    for (const link of this.#links.values()) this.#break(link);
  }

  /** A client's process has ended. Messages that it had sent may still arrive. */
  clientGone(client: Incarnation): void {
    for (const link of this.#links.values()) if (link.client === client) this.#close(link);
  }

  /**
   * Nothing passes until `unblock`; sent messages wait. `isNoticed`: the client may be told that the connection has
   * ended.
   */
  block(name: string, directions: readonly Direction[], { isNoticed }: { isNoticed: boolean }): void {
    const weather = this.#of(name);
    for (const direction of directions) weather.blocked[direction] = true;
    for (const link of this.#open(name)) {
      if (!isNoticed || link.prng.below(2) === 0) continue;
      this.#options.kernel.after(NOTICE_NS, () => {
        if (!link.isClosed && directions.some((direction) => weather.blocked[direction])) this.#break(link);
      });
    }
  }

  unblock(name: string, directions: readonly Direction[] = DIRECTIONS): void {
    const weather = this.#of(name);
    for (const direction of directions) weather.blocked[direction] = false;
    for (const link of this.#links.values()) {
      if (link.client.name === name) for (const direction of directions) this.#release(link, direction);
    }
  }

  slow(name: string, extraDelayNs: number): void {
    this.#of(name).extraDelayNs = extraDelayNs;
  }

  /** Each direction of each of its connections carries so many bytes a second, one message after the other. */
  throttle(name: string, bytesPerS: number): void {
    this.#of(name).bytesPerS = bytesPerS;
  }

  /** Breaks every connection of the process. Returns how many there were. */
  breakLinks(name: string): number {
    const links = this.#open(name);
    for (const link of links) this.#break(link);
    return links.length;
  }

  /** The broker takes the client for gone, as when its queue is full. Returns whether there was such a client. */
  unreachable(name: string): boolean {
    const link = this.#open(name).at(-1);
    const server = this.#server;
    if (link === undefined || server === null) return false;
    server.broker.enter(() => server.events.onUnreachable(link.session));
    return true;
  }

  /** How many messages of this process its condition has held back, lost or slowed. */
  affected(name: string): number {
    return this.#of(name).affected;
  }

  // --- connections ---

  #dial(client: Incarnation, session: string, events: ClientLinkEvents): ClientLink {
    const link: Link = {
      session,
      client,
      events,
      prng: Prng.fromSeed(this.#options.seed, ...Buffer.from(session)),
      lanes: { 'to-broker': new Lane('to-broker'), 'to-client': new Lane('to-client') },
      isClosed: false,
      closedNs: 0,
      isDeaf: false,
      copies: new LateCopies(),
    };
    if (client.isAlive()) this.#links.set(session, link);
    else link.isClosed = true;
    return {
      send: (frames) => {
        if (!client.isAlive() || link.isClosed) return;
        if (link.isDeaf) this.#lose(link, [frames]);
        else this.#send(link, 'to-broker', frames);
      },
      close: () => {
        if (client.isAlive()) this.#close(link);
      },
    };
  }

  #answer(broker: Incarnation, session: string, frames: Frames): void {
    const link = this.#links.get(session);
    const isGone = link === undefined || (link.isClosed && this.#options.kernel.nowNs - link.closedNs > GONE_NS);
    if (isGone) {
      const events = this.#server?.events;
      this.#options.kernel.after(0, () => broker.enter(() => events?.onUnreachable(session)));
      if (link !== undefined) this.#forget(link);
      return;
    }
    if (isFenced(frames[0])) this.#options.counters.count('request of a zombie fenced');
    this.#send(link, 'to-client', frames);
  }

  /** The client's end is closed. Messages in flight to the broker arrive up to some point. */
  #close(link: Link): void {
    if (link.isClosed) return;
    link.isClosed = true;
    link.closedNs = this.#options.kernel.nowNs;
    this.#cut(link, 'to-broker');
    this.#dropAll(link, 'to-client');
    this.#repeatLate(link);
    this.#forgetWhenEmpty(link);
  }

  /** Messages that this broker has already received arrive again. */
  #repeatLate({ session, client, copies, prng }: Link): void {
    const server = this.#server;
    const { kernel, counters } = this.#options;
    for (const { frames, moment, delayNs } of server === null ? [] : copies.take(prng)) {
      const arrives = (): void => {
        if (this.#server !== server) return;
        counters.count(moment);
        server?.broker.enter(() => server.events.onMessage(session, frames));
      };
      kernel.after(delayNs, arrives, { kind: 'message', process: client.name, frames });
    }
  }

  /** The connection breaks. Messages in flight are lost from some point on, and each side learns of it, or does not. */
  #break(link: Link): void {
    if (link.isClosed) return;
    const { kernel, counters } = this.#options;
    counters.count('connections broken');
    this.#cut(link, 'to-broker');
    this.#cut(link, 'to-client');
    link.isDeaf = link.prng.below(2) === 0;
    if (link.prng.below(4) === 0) {
      counters.count('connection lost without notice');
      return;
    }
    const noticeNs = link.prng.below(2) === 0 ? link.prng.below(5e6) : link.prng.below(NOTICE_NS);
    kernel.after(noticeNs, () =>
      link.client.enter(() => {
        if (link.isClosed) return;
        this.#close(link);
        link.events.onDown('the connection was lost (simulated)');
      }),
    );
  }

  // --- messages ---

  #send(link: Link, direction: Direction, frames: Frames): void {
    const { kernel, delayNs, jitterNs } = this.#options;
    const lane = link.lanes[direction];
    const last = lane.flights.at(-1);
    const weather = this.#of(link.client.name);
    if (last?.sentNs === kernel.nowNs && weather.bytesPerS === 0) {
      last.messages.push(frames);
      return;
    }
    if (weather.extraDelayNs > 0 || weather.bytesPerS > 0) weather.affected += 1;
    const delay = delayNs + link.prng.below(jitterNs + 1) + weather.extraDelayNs;
    const flight: Flight = { messages: [frames], sentNs: kernel.nowNs, from: kernel.from };
    lane.flights.push(flight);
    if (weather.bytesPerS > 0) {
      // The message follows those on their way, and arrives with its last byte.
      const bytes = frames.reduce((sum, { length }) => sum + length, 0);
      lane.lastNs = Math.max(lane.lastNs, kernel.nowNs + delay) + (bytes / weather.bytesPerS) * 1e9;
    }
    this.#flies(link, lane, flight, delay);
  }

  #flies(link: Link, lane: Lane, flight: Flight, delayNs: number): void {
    const { kernel } = this.#options;
    lane.lastNs = Math.max(lane.lastNs, kernel.nowNs + delayNs);
    kernel.after(lane.lastNs - kernel.nowNs, () => this.#arrives(link, lane, flight));
  }

  #arrives(link: Link, lane: Lane, flight: Flight): void {
    // It was lost meanwhile.
    if (lane.flights[0] !== flight) return;
    const weather = this.#of(link.client.name);
    if (weather.blocked[lane.direction] || (lane.direction === 'to-broker' && this.#server === null)) {
      weather.affected += flight.messages.length;
      lane.held.push(...lane.flights.splice(0, 1));
      return;
    }
    lane.flights.shift();
    this.#options.kernel.from = flight.from;
    if (lane.direction === 'to-client') this.#deliverToClient(link, flight);
    else this.#deliverToBroker(link, flight);
    if (link.isClosed) this.#forgetWhenEmpty(link);
  }

  #deliverToClient(link: Link, { messages }: Flight): void {
    const { kernel } = this.#options;
    link.client.enter(() => {
      for (const frames of messages) {
        if (link.isClosed) continue;
        kernel.reason = { kind: 'message', process: BROKER, frames };
        link.events.onMessage(frames);
      }
    });
  }

  #deliverToBroker(link: Link, { messages }: Flight): void {
    const server = this.#server;
    if (server === null) return;
    if (link.isClosed) this.#options.counters.count('message of a dead session arrived');
    server.broker.enter(() => {
      for (const frames of messages) {
        this.#options.kernel.reason = { kind: 'message', process: link.client.name, frames };
        link.copies.arrived(frames);
        server.events.onMessage(link.session, frames);
      }
    });
  }

  #release(link: Link, direction: Direction): void {
    const lane = link.lanes[direction];
    const held = lane.held.splice(0);
    // Before messages that were sent later: those are still in flight, and arrive afterwards.
    lane.flights.unshift(...held);
    const behind = lane.flights.slice(held.length);
    lane.lastNs = 0;
    for (const flight of [...held, ...behind]) this.#flies(link, lane, flight, link.prng.below(1e6));
  }

  /** Messages in flight survive up to a random point, and arrive later than they would have. The others are lost. */
  #cut(link: Link, direction: Direction): void {
    const lane = link.lanes[direction];
    const inFlight = [...lane.held, ...lane.flights];
    if (inFlight.length === 0) return;
    const survivors = survivorsOf(inFlight.length, link.prng);
    lane.held = [];
    lane.flights.length = 0;
    for (const { messages } of inFlight.slice(survivors)) this.#lose(link, messages);
    const lateNs = link.prng.below(3) === 0 ? link.prng.below(LATE_NS) : 0;
    // These are copies: the deliveries of the originals find them gone.
    for (const flight of inFlight.slice(0, survivors)) {
      const late = { ...flight, sentNs: -1 };
      lane.flights.push(late);
      this.#flies(link, lane, late, lateNs);
    }
  }

  #dropAll(link: Link, direction: Direction): void {
    const lane = link.lanes[direction];
    for (const { messages } of [...lane.held, ...lane.flights]) this.#lose(link, messages);
    lane.held = [];
    lane.flights.length = 0;
  }

  #lose(link: Link, messages: readonly Frames[]): void {
    const { counters } = this.#options;
    this.#of(link.client.name).affected += messages.length;
    for (const [header] of messages) {
      counters.count('message lost');
      if (header !== undefined && isOfType(header, 'acks')) counters.count('acknowledgement lost');
      if (header !== undefined && isOfType(header, 'batches')) counters.count('streamed batch lost');
    }
  }

  /** After everything that has arrived, the broker is told that the connection has ended, or is never told. */
  #forgetWhenEmpty(link: Link): void {
    const lane = link.lanes['to-broker'];
    if (lane.flights.length > 0 || lane.held.length > 0 || !this.#links.has(link.session)) return;
    this.#forget(link);
    if (link.prng.below(4) === 0) return;
    this.#options.kernel.after(link.prng.below(GONE_NS), () => {
      const server = this.#server;
      server?.broker.enter(() => server.events.onUnreachable(link.session));
    });
  }

  #forget(link: Link): void {
    this.#links.delete(link.session);
  }

  #open(name: string): Link[] {
    return Array.from(this.#links.values()).filter(({ client, isClosed }) => client.name === name && !isClosed);
  }

  #of(name: string): Weather {
    let weather = this.#weather.get(name);
    if (weather === undefined) {
      weather = new Weather();
      this.#weather.set(name, weather);
    }
    return weather;
  }
}
