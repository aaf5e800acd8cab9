/**
 * Group commit without a timer: items that arrive while a commit is on its way to disk wait for the next commit.
 * Callbacks of `whenDurable` run in the order of asking, after the commit that makes everything accepted so far
 * durable.
 *
 * Any failure is final: `onFatal` is called, and nothing more is committed or answered.
 *
 * Rules P-APPEND-2, P-COMMIT-3 of docs/protocol.md.
 */

import type { Store, WriteBatch } from './store.ts';

/** Receives marks of how far a commit is. It may only note them. */
export type CommitWatch = {
  /** The accepted writes are on their way to the disk. */
  begins(): void;
  durable(): void;
  /** Everybody who waited for the commit was called. */
  answered(): void;
};

export type GroupCommitOptions = {
  readonly store: Store;
  /** Moves the accepted items into writes. Called at the start of each commit. */
  readonly fill: () => WriteBatch;
  /** Called after each durable commit, before the callbacks that waited for it. */
  readonly onDurable: () => void;
  /** Called after the callbacks that waited for the commit. */
  readonly onAnswered: () => void;
  readonly onFatal: (error: unknown) => void;
  readonly watch?: CommitWatch | undefined;
};

export class GroupCommit {
  readonly #options: GroupCommitOptions;
  /** Callbacks of items that are accepted but not yet in a commit. */
  #waiting: (() => void)[] = [];
  #underWay: (() => void)[] = [];
  #isDirty = false;
  #isCommitting = false;
  #isStarting = false;
  #failed = false;
  #commits = 0;

  constructor(options: GroupCommitOptions) {
    this.#options = options;
  }

  get commits(): number {
    return this.#commits;
  }

  get isIdle(): boolean {
    return !this.#isCommitting && !this.#isDirty;
  }

  /** An item was accepted. It goes into the next commit, which starts now unless a commit is under way. */
  accept(whenDurable?: () => void): void {
    this.#isDirty = true;
    if (whenDurable !== undefined) this.#waiting.push(whenDurable);
    if (this.#isStarting) return;
    // Items that arrive in the same turn join this commit.
    this.#isStarting = true;
    queueMicrotask(() => {
      this.#isStarting = false;
      this.#start();
    });
  }

  /** Calls back once everything accepted before is durable: at once if it already is. */
  whenDurable(call: () => void): void {
    if (this.#failed) return;
    if (this.#isDirty) this.#waiting.push(call);
    else if (this.#isCommitting) this.#underWay.push(call);
    else call();
  }

  #start(): void {
    if (this.#isCommitting || !this.#isDirty || this.#failed) return;
    this.#isCommitting = true;
    this.#isDirty = false;
    this.#underWay = this.#waiting;
    this.#waiting = [];
    this.#options.watch?.begins();
    this.#options.store.commit(this.#options.fill().writes).then(
      () => this.#committed(),
      (error: unknown) => {
        this.#failed = true;
        this.#options.onFatal(error);
      },
    );
  }

  #committed(): void {
    this.#commits += 1;
    this.#isCommitting = false;
    this.#options.watch?.durable();
    this.#options.onDurable();
    const answers = this.#underWay;
    this.#underWay = [];
    // The next commit is on its way to disk while the answers of this one are sent.
    this.#start();
    for (const answer of answers) answer();
    this.#options.onAnswered();
    this.#options.watch?.answered();
  }
}
