/** A store that says that a commit is durable before it is. */

import type { Store, Write } from '../../../../src/store/store.ts';
import { DecoratedStore } from '../decorated.ts';

export class EarlyStore extends DecoratedStore {
  readonly #isEarly: () => boolean;
  readonly #onFailure: (error: unknown) => void;
  /** Ends with the last commit; never rejects. */
  #tail: Promise<void> = Promise.resolve();
  #underWay = 0;

  /** `isEarly`: asked at each commit. `onFailure`: a commit failed that was said to be durable. */
  constructor(inner: Store, isEarly: () => boolean, onFailure: (error: unknown) => void) {
    super(inner);
    this.#isEarly = isEarly;
    this.#onFailure = onFailure;
  }

  /** Whether there is a commit that is not durable yet. */
  get isAhead(): boolean {
    return this.#underWay > 0;
  }

  override commit(writes: readonly Write[]): Promise<void> {
    // The buffers of the writes are used again as soon as this resolves.
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
