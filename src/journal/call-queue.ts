/** The calls of one client without an answer. They wait for an open session, and are made again in each new session. */

import { OperatingError } from '../core/errors.ts';
import { type Arrival, NOT_SENT, firstOf } from './append-queue.ts';
import { lossInAnswer } from './proofs.ts';
import type { Call, ClientMessage } from './protocol.ts';
import { isResultOf } from './results.ts';

type PendingCall = {
  readonly call: Call;
  readonly resolve: (result: never) => void;
  readonly reject: (error: Error) => void;
} & Arrival;

export class CallQueue {
  readonly #send: (message: ClientMessage) => void;
  /** The number that the next ping will have. */
  readonly #nextPing: () => number;
  readonly #calls = new Map<number, PendingCall>();

  constructor(options: { send: (message: ClientMessage) => void; nextPing: () => number }) {
    this.#send = options.send;
    this.#nextPing = options.nextPing;
  }

  /** The call that was made first. */
  get oldest(): Arrival | undefined {
    return firstOf(this.#calls);
  }

  push(id: number, call: Call, settle: Pick<PendingCall, 'resolve' | 'reject'>): void {
    this.#calls.set(id, { call, ...settle, ...NOT_SENT });
  }

  /** Sends one call in an open session. */
  send(id: number): void {
    const pending = this.#calls.get(id);
    if (pending === undefined) return;
    Object.assign(pending, NOT_SENT, { pingAfter: this.#nextPing() });
    this.#send({ t: 'call', id, call: pending.call });
  }

  /** A new session is open: sends all calls. */
  sendAll(): void {
    for (const id of this.#calls.keys()) this.send(id);
  }

  settle(id: number, result: unknown): void {
    const pending = this.#calls.get(id);
    if (pending === undefined) return;
    this.#calls.delete(id);
    const { call, resolve, reject } = pending;
    if (!isResultOf(call.op, result))
      return reject(new OperatingError('ERR_PROTOCOL', `the broker's answer to ${call.op} is malformed`));
    const loss = lossInAnswer(call, result as Record<string, unknown>);
    if (loss === null) resolve(result as never);
    else reject(loss);
  }

  reject(id: number, error: Error): void {
    this.#calls.get(id)?.reject(error);
    this.#calls.delete(id);
  }

  rejectAll(error: Error): void {
    for (const id of this.#calls.keys()) this.reject(id, error);
  }
}
