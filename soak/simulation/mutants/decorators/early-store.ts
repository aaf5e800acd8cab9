/** A store that reports commits as durable before they are. */

import type { Store, Write } from '../../../../src/store/store.ts';
import { WrappedStore } from '../../../../src/store/wrapped-store.ts';

export class EarlyStore extends WrappedStore {
  readonly #isEarly: () => boolean;
  readonly #onFailure: (error: unknown) => void;
  /** Settles with the last commit; never rejects. */
  #tail: Promise<void> = Promise.resolve();
  #underWay = 0;

  /** `isEarly`: asked at each commit. `onFailure`: a commit that was reported as durable has failed. */
  constructor(inner: Store, isEarly: () => boolean, onFailure: (error: unknown) => void) {
    super(inner);
    this.#isEarly = isEarly;
    this.#onFailure = onFailure;
  }

  /** Whether a reported commit is not durable yet. */
  get isAhead(): boolean {
    return this.#underWay > 0;
  }

  override commit(writes: readonly Write[]): Promise<void> {
    // The caller reuses the buffers of the writes as soon as this resolves.
    const owned = writes.map(({ table, key, value }) => ({ table, key, value: value && Buffer.from(value) }));
    this.#underWay += 1;
    const commit = this.#tail.then(() => this.inner.commit(owned));
    this.#tail = commit.then(
      () => {
        this.#underWay -= 1;
      },
      () => {},
    );
    if (!this.#isEarly()) return commit;
    commit.catch(this.#onFailure);
    return Promise.resolve();
  }

  override async close(): Promise<void> {
    await this.#tail;
    await this.inner.close();
  }
}
