/** How brokers ask each other: over the network, in order between any two, and until either of them is gone. */

import type { Kernel } from '../world/kernel.ts';
import { type Ref, isRunning } from './broker.ts';
import { type ClusterNetwork, KEEPALIVE_NS, Lane } from './cluster-network.ts';
import type { Journal } from './journal.ts';

export class Peers {
  readonly #kernel: Kernel;
  readonly #network: ClusterNetwork;
  readonly #lanes = new Map<string, Lane>();
  readonly persistAfterRoll: (journal: Journal, members: readonly Ref[]) => void;

  constructor(options: {
    readonly kernel: Kernel;
    readonly network: ClusterNetwork;
    readonly persistAfterRoll: (journal: Journal, members: readonly Ref[]) => void;
  }) {
    this.#kernel = options.kernel;
    this.#network = options.network;
    this.persistAfterRoll = options.persistAfterRoll;
  }

  after(delayNs: number, call: () => void): void {
    this.#kernel.after(delayNs, call);
  }

  /** Does something at a broker, and gives its result; null: the connection ended, before that or after it. */
  remote<T>(from: Ref, to: Ref, act: () => T | Promise<T>): Promise<T | null> {
    if (from.broker === to.broker) return Promise.resolve(isRunning(to) ? act() : null);
    return new Promise((resolve) => {
      let isOver = false;
      const over = (value: T | null): void => {
        if (isOver) return;
        isOver = true;
        taken();
        resolve(value);
      };
      const gone = (): void =>
        this.#send(to, from, () =>
          from.broker.handle(
            from.life,
            () => over(null),
            () => {},
          ),
        );
      const taken = to.broker.expects(gone);
      const arrives = async (): Promise<void> => {
        if (isOver) return;
        const value = await act();
        this.#send(to, from, () =>
          from.broker.handle(
            from.life,
            () => over(value),
            () => {},
          ),
        );
      };
      this.#send(from, to, () => to.broker.handle(to.life, () => void arrives(), gone));
      const keepsAlive = (): void => {
        if (isOver || !isRunning(from)) return taken();
        if (this.#network.isOpen(from.broker.name, to.broker.name) && isRunning(to)) {
          return void this.#kernel.after(KEEPALIVE_NS, keepsAlive);
        }
        from.broker.handle(
          from.life,
          () => over(null),
          () => {},
        );
      };
      this.#kernel.after(KEEPALIVE_NS, keepsAlive);
    });
  }

  /** A message that nobody answers. */
  tell(from: Ref, to: Ref, act: () => void): void {
    this.#send(from, to, () => to.broker.handle(to.life, act, () => {}));
  }

  #send(from: Ref, to: Ref, call: () => void): void {
    const key = `${from.broker.name} ${to.broker.name}`;
    let lane = this.#lanes.get(key);
    if (lane === undefined) {
      lane = new Lane();
      this.#lanes.set(key, lane);
    }
    this.#network.send(from.broker.name, to.broker.name, call, lane);
  }
}
