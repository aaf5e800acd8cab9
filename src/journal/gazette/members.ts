/** Which member of a cluster is asked: one, until it is away, then the next one. */

import { assert } from '../../core/assert.ts';
import { isAway } from './status.ts';

/** Of one kind. */
export class Members<Stub extends { close(): void }> {
  readonly #stubs: readonly Stub[];
  #at = 0;

  constructor(stubs: readonly Stub[]) {
    this.#stubs = stubs;
  }

  get count(): number {
    return this.#stubs.length;
  }

  get present(): Stub {
    return this.beyond(0);
  }

  /** The one that comes so many places after the present one. */
  beyond(places: number): Stub {
    const stub = this.#stubs[(this.#at + places) % this.#stubs.length];
    assert(stub !== undefined, 'a cluster has a member');
    return stub;
  }

  /** A call to this one has ended so. The others may have noticed before. */
  failed(stub: Stub, error: unknown): void {
    if (isAway(error) && stub === this.present) this.#at += 1;
  }

  ask<Answer>(
    call: (stub: Stub, resolve: (answer: Answer) => void, reject: (error: Error) => void) => void,
  ): Promise<Answer> {
    return new Promise((resolve, reject) => {
      const stub = this.present;
      call(stub, resolve, (error) => {
        this.failed(stub, error);
        reject(error);
      });
    });
  }

  unary<Response>(
    call: (stub: Stub, done: (error: Error | null, response: Response) => void) => unknown,
  ): Promise<Response> {
    return this.ask((stub, resolve, reject) => {
      call(stub, (error, response) => {
        if (error !== null) reject(error);
        else resolve(response);
      });
    });
  }

  close(): void {
    for (const stub of this.#stubs) stub.close();
  }
}
