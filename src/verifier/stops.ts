/**
 * The times in which the judging process did not run. It was stopped, and perhaps all other processes were too. No
 * process is late for what it could not do meanwhile, so this time counts in no deadline (P-JUDGE-5 of
 * docs/protocol.md).
 */

/**
 * The longest time between two looks of a running process, however late its event loop is. More than that was a stop.
 */
const LOOK_NS_MAX = 1e9;
/** How many of the latest stops are kept. A deadline that began before them has already been judged. */
const STOPS_MAX = 64;

export class Stops {
  readonly #stops: { readonly fromNs: number; readonly toNs: number }[] = [];
  #lookedNs = Number.NaN;

  /** Called every few milliseconds while the process runs. */
  look(nowNs: number): void {
    if (nowNs - this.#lookedNs > LOOK_NS_MAX) {
      this.#stops.push({ fromNs: this.#lookedNs + LOOK_NS_MAX, toNs: nowNs });
      if (this.#stops.length > STOPS_MAX) this.#stops.shift();
    }
    this.#lookedNs = nowNs;
  }

  /** How long the process was stopped between two times, in nanoseconds. */
  between(fromNs: number, toNs: number): number {
    let stoppedNs = 0;
    for (const stop of this.#stops) stoppedNs += Math.max(0, Math.min(stop.toNs, toNs) - Math.max(stop.fromNs, fromNs));
    return stoppedNs;
  }
}
