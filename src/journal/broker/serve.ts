/** Composes a broker from its parts: its rules, on a store, behind a link. It owns neither socket nor file. */

import type { Clock } from '../../core/clock.ts';
import type { Store } from '../../store/store.ts';
import type { ServerLink, ServerLinkEvents } from '../../transport/transport.ts';
import { Broker, type BrokerOptions } from './broker.ts';
import type { BrokerConfig } from './state.ts';

export type ServeOptions = {
  readonly store: Store;
  readonly clock: Clock;
  readonly config: BrokerConfig;
  /** Distinguishes this start of the broker from every other start. */
  readonly incarnation: string;
  /** Hash of the machine's boot id. */
  readonly bootHash: number;
  readonly onPinDropped?: BrokerOptions['onPinDropped'];
  /** Begins to serve clients. */
  readonly listen: (events: ServerLinkEvents) => Promise<ServerLink>;
  /** The disk or the link failed: the process must stop. */
  readonly onFatal: (error: unknown) => void;
  readonly watch?: BrokerOptions['watch'];
};

export type ServedBroker = {
  readonly broker: Broker;
  /** Resolves when everything accepted is durable and answered. */
  stop(): Promise<void>;
};

/** Resolves when clients are served. The configuration is durable before the link opens. */
export async function serveBroker(options: ServeOptions): Promise<ServedBroker> {
  const { store, clock, config, incarnation, bootHash, onFatal } = options;
  let link: ServerLink | null = null;
  const broker = new Broker({
    store,
    clock,
    config,
    incarnation,
    bootHash,
    send: (session, frames) => link?.send(session, frames),
    ...(options.onPinDropped === undefined ? {} : { onPinDropped: options.onPinDropped }),
    onFatal,
    watch: options.watch,
  });
  await broker.start();
  const listening = await options.listen({
    onMessage: (session, frames) => broker.receive(session, frames),
    onUnreachable: (session) => broker.unreachable(session),
    onFatal,
  });
  link = listening;
  return {
    broker,
    stop: async () => {
      await broker.stop();
      await listening.close();
    },
  };
}
