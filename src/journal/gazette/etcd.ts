/**
 * Small JSON values in etcd, changed by compare and swap. A request whose outcome is unknown is repeated: reads say
 * nothing else, and a swap that was carried out is refused the second time, which its caller tells from the value.
 */

import { type Clock, delay } from '../../core/clock.ts';
import { OperatingError } from '../../core/errors.ts';
import type { Log } from '../../core/log.ts';
import type { RpcCalls } from './rpc.ts';
import { meaningOfError, rejectedError, wordsOf } from './status.ts';
import { Wait } from './wait.ts';
import { numberOf } from './wire.ts';

/** Between two tries. */
const RETRY_MS = 200;

/** `revision`: of the last change of the key, 0 where there is none. */
export type Entry<T> = { readonly key: string; readonly value: T | null; readonly revision: number };

export type EtcdOptions = {
  readonly rpc: RpcCalls;
  readonly clock: Clock;
  readonly signal: AbortSignal;
  readonly log?: Log | undefined;
};

/** Whether a value has the shape of what is kept under a key. */
export type IsValue<T> = (value: unknown) => value is T;

export class Etcd {
  readonly #options: EtcdOptions;
  /** Names the cluster, once it has answered. */
  clusterId = '';

  constructor(options: EtcdOptions) {
    this.#options = options;
  }

  async get<T>(key: string, isValue: IsValue<T>): Promise<Entry<T>> {
    const { kvs } = await this.#range({ key: Buffer.from(key) });
    const [found] = kvs;
    if (found === undefined) return { key, value: null, revision: 0 };
    return { key, value: parse(found.value, key, isValue), revision: numberOf(found.mod_revision) };
  }

  /** All keys that begin with `prefix`. */
  async list<T>(prefix: string, isValue: IsValue<T>): Promise<(Entry<T> & { readonly value: T })[]> {
    const key = Buffer.from(prefix);
    const end = Buffer.from(prefix);
    end[end.length - 1] = (end.at(-1) ?? 0) + 1;
    const { kvs } = await this.#range({ key, range_end: end });
    return kvs.map(({ key: name, value, mod_revision: revision }) => ({
      key: name.toString(),
      value: parse(value, name.toString(), isValue),
      revision: numberOf(revision),
    }));
  }

  /** Puts the value if the key was last changed at `revision`; `null` removes it. False: it was changed since. */
  async swap({ key, revision }: { readonly key: string; readonly revision: number }, value: unknown): Promise<boolean> {
    const name = Buffer.from(key);
    const change =
      value === null
        ? { request_delete_range: { key: name } }
        : { request_put: { key: name, value: Buffer.from(JSON.stringify(value)) } };
    const compare = [{ result: 0, target: 2, key: name, mod_revision: String(revision) }];
    return (await this.#answered(() => this.#options.rpc.txn({ compare, success: [change] }))).succeeded;
  }

  /**
   * Changes a value until nobody was faster. `change` gives the new value, or `undefined` to leave it as it is; it is
   * asked again after each value that it was too late for.
   */
  async update<T>(key: string, isValue: IsValue<T>, change: (value: T | null) => T | undefined): Promise<void> {
    for (;;) {
      const entry = await this.get(key, isValue);
      const value = change(entry.value);
      if (value === undefined || (await this.swap(entry, value))) return;
    }
  }

  async #range(request: { key: Buffer; range_end?: Buffer }): ReturnType<RpcCalls['range']> {
    const response = await this.#answered(() => this.#options.rpc.range(request));
    this.clusterId = response.header?.cluster_id ?? this.clusterId;
    return response;
  }

  async #answered<T>(request: () => Promise<T>): Promise<T> {
    const { clock, signal, log } = this.#options;
    const wait = new Wait({ clock, log, what: 'a request to etcd' });
    for (;;) {
      if (signal.aborted) throw closedError();
      try {
        const answer = await request();
        wait.over();
        return answer;
      } catch (error) {
        if (meaningOfError(error) === 'rejected') throw rejectedError('a request to etcd', wordsOf(error));
        wait.failed(wordsOf(error));
        await delay(clock, RETRY_MS, signal);
      }
    }
  }
}

export function closedError(): OperatingError {
  return new OperatingError('ERR_CLOSED', 'the connection to the cluster was closed');
}

function parse<T>(bytes: Buffer, key: string, isValue: IsValue<T>): T {
  let value: unknown;
  try {
    value = JSON.parse(bytes.toString());
  } catch {
    value = null;
  }
  if (!isValue(value)) {
    throw new OperatingError('ERR_ETCD_VALUE', `etcd has something else than was put there under ${key}`);
  }
  return value;
}
