/**
 * The appends of one client: those that wait for an open session or for room on its link, and those under way. They are
 * sent in their order, whole or in parts, as the link allows.
 */

import type { Frames } from '../transport/transport.ts';
import type { AppendOutcome, ShardEpoch } from './journals.ts';
import type { LinkWindow } from './link-window.ts';
import { lossByEpoch } from './proofs.ts';
import { type ClientMessage, encodeHeader } from './protocol.ts';

/** When a request is known to have arrived at the broker: with the pong to a ping that was sent after it. */
export type Arrival = { pingAfter: number; arrivedNs: number };

export const NOT_SENT: Arrival = { pingAfter: Number.POSITIVE_INFINITY, arrivedNs: Number.POSITIVE_INFINITY };

type PendingAppend = Arrival & {
  readonly request: Extract<ClientMessage, { t: 'append' }>;
  readonly batch: Uint8Array;
  readonly resolve: (outcome: AppendOutcome) => void;
  readonly reject: (error: Error) => void;
  /** Bytes of the batch that are already sent. */
  sentBytes: number;
};

export type AppendQueueOptions = {
  readonly window: LinkWindow;
  readonly send: (frames: Frames) => void;
  /** Asks the broker how far it has come. */
  readonly ping: () => void;
};

export class AppendQueue {
  readonly #options: AppendQueueOptions;
  readonly #underWay = new Map<number, PendingAppend>();
  readonly #unsent: PendingAppend[] = [];

  constructor(options: AppendQueueOptions) {
    this.#options = options;
  }

  /** Of the appends under way, the one that was sent first. */
  get oldest(): Arrival | undefined {
    return firstOf(this.#underWay);
  }

  push(
    append: { readonly id: number; readonly journal: string; readonly batch: Uint8Array; readonly owner?: ShardEpoch },
    settle: Pick<PendingAppend, 'resolve' | 'reject'>,
  ): void {
    const { batch, ...request } = append;
    this.#unsent.push({ ...NOT_SENT, request: { t: 'append', ...request }, batch, ...settle, sentBytes: 0 });
  }

  /** Sends as much as the link has room for, in an open session. */
  send(): void {
    const { window, ping } = this.#options;
    while (window.hasRoom) {
      const append = this.#unsent[0];
      if (append === undefined) return;
      this.#sendNext(append);
      if (append.sentBytes === append.batch.length) {
        this.#unsent.shift();
        append.pingAfter = window.nextPing;
        this.#underWay.set(append.request.id, append);
      }
      if (window.wantsPing) ping();
    }
  }

  /** Sends the whole batch, or the next part of it. */
  #sendNext(append: PendingAppend): void {
    const { window, send } = this.#options;
    const { request, batch, sentBytes: at } = append;
    const isWhole = at === 0 && batch.length <= window.partBytes;
    const header = encodeHeader(isWhole ? request : { ...request, part: { at, of: batch.length } });
    const bytes = isWhole ? batch : batch.subarray(at, at + window.partBytes);
    append.sentBytes += bytes.length;
    window.sent(header.length + bytes.length);
    send([header, bytes]);
  }

  settle(id: number, outcome: AppendOutcome): void {
    const append = this.#underWay.get(id);
    if (append === undefined) return;
    this.#underWay.delete(id);
    const { owner } = append.request;
    const loss = outcome.outcome === 'fenced' && owner !== undefined ? lossByEpoch(owner, outcome.epoch) : null;
    if (loss === null) append.resolve(outcome);
    else append.reject(loss);
  }

  /** The session has ended: every append ends as `unknown`, sent or not. The owner decides what to send again. */
  lose(): void {
    this.#settleAll({ outcome: 'unknown' });
  }

  /** No session can be opened: every append is rejected. */
  reject(reason: string): void {
    this.#settleAll({ outcome: 'rejected', reason });
  }

  /** Nothing more will be appended. */
  fail(error: Error): void {
    for (const { reject } of this.#takeAll()) reject(error);
  }

  #settleAll(outcome: AppendOutcome): void {
    for (const { resolve } of this.#takeAll()) resolve(outcome);
  }

  #takeAll(): PendingAppend[] {
    const all = [...this.#underWay.values(), ...this.#unsent.splice(0)];
    this.#underWay.clear();
    return all;
  }
}

export function firstOf<T>(pending: ReadonlyMap<number, T>): T | undefined {
  for (const first of pending.values()) return first;
  return undefined;
}
