/** A dialer without a network: the test plays the broker, message by message. */

import type { ClientLink, ClientLinkEvents, Dialer, Frames } from '../../transport/transport.ts';
import { type BrokerMessage, type ClientMessage, decodeClientMessage, encodeHeader } from '../protocol.ts';

export type Received = { readonly message: ClientMessage; readonly frames: Frames };

export class FakeLink implements ClientLink {
  readonly session: string;
  readonly received: Received[] = [];
  isClosed = false;
  readonly #events: ClientLinkEvents;

  constructor(session: string, events: ClientLinkEvents) {
    this.session = session;
    this.#events = events;
  }

  send(frames: Frames): void {
    const message = decodeClientMessage(frames[0]);
    if ('invalid' in message) throw new Error(message.invalid);
    this.received.push({ message, frames });
  }

  close(): void {
    this.isClosed = true;
  }

  down(reason = 'the connection was lost'): void {
    this.#events.onDown(reason);
  }

  /** Answers as a broker of this incarnation, to this session or another one. */
  answer(
    message: BrokerMessage,
    options: { incarnation?: string; session?: string; commit?: number; frames?: Frames } = {},
  ): void {
    const { incarnation = 'one', session = this.session, commit = 1, frames = [] } = options;
    this.#events.onMessage([encodeHeader({ ...message, i: incarnation, s: session, c: commit }), ...frames]);
  }

  of<T extends ClientMessage['t']>(type: T): Extract<ClientMessage, { t: T }>[] {
    return this.received.flatMap(({ message }) =>
      message.t === type ? [message as Extract<ClientMessage, { t: T }>] : [],
    );
  }
}

export class FakeDialer implements Dialer {
  readonly links: FakeLink[] = [];

  dial(session: string, events: ClientLinkEvents): ClientLink {
    const link = new FakeLink(session, events);
    this.links.push(link);
    return link;
  }

  /** The present link. */
  get link(): FakeLink {
    const link = this.links.at(-1);
    if (link === undefined) throw new Error('nobody has dialled');
    return link;
  }
}
