/**
 * Relays that do not do what they say: sabotages of the harness, for `LiveDecorations.relay`. A run with one of them
 * must not hold.
 */

import type { LinkCounters } from './counters.ts';
import { DIRECTIONS } from './link-mode.ts';
import type { Relay } from './relay-process.ts';
import type { LinkSetting } from './relay-protocol.ts';

/** Counts that grow at each look: every mode seems to take effect. */
const CLAIMED = 1_000;

/** Forwards everything, and says of every mode that it bites. */
export class ForwardingRelay implements Relay {
  readonly #inner: Relay;
  #looks = 0;

  constructor(inner: Relay) {
    this.#inner = inner;
  }

  set(): Promise<void> {
    return Promise.resolve();
  }

  async counters(links: readonly string[]): Promise<readonly LinkCounters[]> {
    this.#looks += 1;
    const more = this.#looks * CLAIMED;
    return (await this.#inner.counters(links)).map((counters) => {
      const lanes = DIRECTIONS.map((direction) => {
        const { bytesDropped, bytesDelayed, ...lane } = counters[direction];
        return [
          direction,
          { ...lane, bytesDropped: bytesDropped + more, bytesDelayed: bytesDelayed + more, bytesHeld: CLAIMED },
        ] as const;
      });
      return {
        ...counters,
        connectionsReset: counters.connectionsReset + more,
        connectionsCutInFrame: counters.connectionsCutInFrame + more,
        ...(Object.fromEntries(lanes) as Pick<LinkCounters, (typeof DIRECTIONS)[number]>),
      };
    });
  }
}

/** Does what it is told, and reports other counts. */
export class LyingCounters implements Relay {
  readonly #inner: Relay;
  readonly #lie: (counters: LinkCounters) => LinkCounters;

  constructor(inner: Relay, lie: (counters: LinkCounters) => LinkCounters) {
    this.#inner = inner;
    this.#lie = lie;
  }

  set(settings: readonly LinkSetting[]): Promise<void> {
    return this.#inner.set(settings);
  }

  async counters(links: readonly string[]): Promise<readonly LinkCounters[]> {
    return (await this.#inner.counters(links)).map((counters) => this.#lie(counters));
  }
}

/** Injects faults, and never heals them. */
export class UnhealingRelay implements Relay {
  readonly #inner: Relay;

  constructor(inner: Relay) {
    this.#inner = inner;
  }

  set(settings: readonly LinkSetting[]): Promise<void> {
    return this.#inner.set(settings.filter(({ mode }) => mode.mode !== 'pass'));
  }

  counters(links: readonly string[]): Promise<readonly LinkCounters[]> {
    return this.#inner.counters(links);
  }
}
