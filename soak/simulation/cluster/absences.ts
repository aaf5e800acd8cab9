/**
 * Chunkers that are away, as the faults say, where the retention of a cluster waits for nobody who is away for longer.
 * The pin of a chunker that is back counts again.
 */

export class Absences {
  readonly #limitNs: number;
  readonly #nowNs: () => number;
  /** By producer. */
  readonly #sinceNs = new Map<string, number>();
  /** Producers that are back after such an absence. */
  readonly #late = new Set<string>();

  /** `limitMs`: the retention; infinite: it waits for everybody. */
  constructor(options: { readonly limitMs: number; readonly nowNs: () => number }) {
    this.#limitNs = options.limitMs * 1e6;
    this.#nowNs = options.nowNs;
  }

  begin(producer: string): void {
    this.#sinceNs.set(producer, this.#nowNs());
  }

  end(producer: string): void {
    if (this.isLong(producer)) this.#late.add(producer);
    this.#sinceNs.delete(producer);
  }

  /** Whether it is away, and the retention may come to be shorter than that. */
  isAway(producer: string): boolean {
    return this.#limitNs < Number.POSITIVE_INFINITY && this.#sinceNs.has(producer);
  }

  /** Whether it has been away for longer than the retention by now. */
  isLong(producer: string): boolean {
    const sinceNs = this.#sinceNs.get(producer);
    return sinceNs !== undefined && this.#nowNs() - sinceNs > this.#limitNs;
  }

  /** The same, by now or at any time before. */
  wasLong(producer: string): boolean {
    return this.#late.has(producer) || this.isLong(producer);
  }
}
