/** The broker as a process runs it: the rules of `broker.ts` on a real store and a real socket. */

import { randomBytes } from 'node:crypto';
import { systemClock } from '../../core/clock.ts';
import { openLmdbStore } from '../../store/lmdb-store.ts';
import type { Store } from '../../store/store.ts';
import type { Endpoint } from '../../transport/endpoint.ts';
import { listenZeromq } from '../../transport/zeromq-link.ts';
import { clockHash } from '../stamps.ts';
import type { Broker, BrokerWatch } from './broker.ts';
import type { DroppedPin } from './pins.ts';
import { type ServedBroker, serveBroker } from './serve.ts';
import type { BrokerConfig } from './state.ts';
import { BROKER_TABLES } from './tables.ts';

export type BrokerServerOptions = {
  readonly folder: string;
  readonly endpoint: Endpoint;
  readonly config: BrokerConfig;
  readonly onPinDropped?: (dropped: DroppedPin) => void;
  /** The disk or the socket failed: the process must stop. */
  readonly onFatal: (error: unknown) => void;
  readonly watch?: BrokerWatch | undefined;
  /** Receives one line for the operator. */
  readonly tell?: (line: string) => void;
};

export class BrokerServer {
  readonly broker: Broker;
  readonly incarnation: string;
  readonly store: Store;
  readonly #served: ServedBroker;

  private constructor(served: ServedBroker, incarnation: string, store: Store) {
    this.broker = served.broker;
    this.incarnation = incarnation;
    this.store = store;
    this.#served = served;
  }

  /** Opens the store, then the socket. Resolves when clients are served. */
  static async start(options: BrokerServerOptions): Promise<BrokerServer> {
    const { folder, tell } = options;
    const store = await openLmdbStore({
      folder,
      kind: 'broker',
      tables: BROKER_TABLES,
      ...(tell === undefined ? {} : { tell }),
    });
    const incarnation = randomBytes(8).toString('hex');
    try {
      const served = await serveBroker({
        store,
        clock: systemClock,
        config: options.config,
        incarnation,
        bootHash: clockHash(),
        ...(options.onPinDropped === undefined ? {} : { onPinDropped: options.onPinDropped }),
        listen: (events) => listenZeromq(options.endpoint, events),
        onFatal: options.onFatal,
        watch: options.watch,
      });
      return new BrokerServer(served, incarnation, store);
    } catch (error) {
      await store.close();
      throw error;
    }
  }

  /** Resolves when everything accepted is durable and answered. */
  async stop(): Promise<void> {
    await this.#served.stop();
    await this.store.close();
  }
}
