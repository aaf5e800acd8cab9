/**
 * What every cut of members does in the background: it begins, goes on until it is healed, and is over when its healing
 * is done. Its first error is kept for whoever looks next.
 */
export abstract class CutWork {
  readonly #ended = new AbortController();
  #cutting: Promise<void> = Promise.resolve();
  #isOver = false;
  #error: unknown = null;

  /** Cuts, and returns soon after `healing` is aborted. */
  protected abstract cut(healing: AbortSignal): Promise<void>;

  /** Takes everything back that the cut has done. Called once, after `cut` has returned. */
  protected abstract restore(): Promise<void>;

  begin(): void {
    this.#cutting = this.cut(this.#ended.signal);
    this.#run(this.#cutting);
  }

  heal(): void {
    if (this.#ended.signal.aborted) return;
    this.#ended.abort();
    this.#run(this.#heal());
  }

  /** Nothing of the cut is left. */
  get isOver(): boolean {
    return this.#isOver;
  }

  /** Throws the first error, if there is one. */
  check(): void {
    if (this.#error !== null) throw this.#error;
  }

  #run(work: Promise<void>): void {
    work.catch((error: unknown) => {
      this.#error ??= error;
    });
  }

  async #heal(): Promise<void> {
    await this.#cutting;
    await this.restore();
    this.#isOver = true;
  }
}
