/** A server over ZeroMQ, and what arrives at it. */

import type { ExecutionContext } from 'ava';
import { within } from '../../cli/testing/test-process.ts';
import { parseEndpoint } from '../endpoint.ts';
import type { Frames, ServerLink } from '../transport.ts';
import { listenZeromq } from '../zeromq-link.ts';

/** The messages that arrive, in order, and a way to wait for them. */
export class Inbox<T> {
  readonly all: T[] = [];
  #wake: () => void = () => {};

  push(item: T): void {
    this.all.push(item);
    this.#wake();
  }

  async until(count: number): Promise<void> {
    while (this.all.length < count) {
      await within(new Promise<void>((resolve) => (this.#wake = resolve)), () => `${this.all.length} of ${count}`);
    }
  }
}

type Server = {
  link: ServerLink;
  received: Inbox<{ session: string; frames: Frames }>;
  unreachable: Inbox<string>;
  fatal: unknown[];
};

export async function listen(t: ExecutionContext, address: string): Promise<Server> {
  const received = new Inbox<{ session: string; frames: Frames }>();
  const unreachable = new Inbox<string>();
  const fatal: unknown[] = [];
  const link = await listenZeromq(parseEndpoint(address), {
    onMessage: (session, frames) => received.push({ session, frames }),
    onUnreachable: (session) => unreachable.push(session),
    onFatal: (error) => fatal.push(error),
  });
  t.teardown(() => link.close());
  return { link, received, unreachable, fatal };
}

export function texts(frames: Frames): string[] {
  return frames.map((frame) => Buffer.from(frame).toString());
}
