/**
 * When the process that judges did not run: it was stopped, and perhaps everything else was. Nobody is late for what
 * nobody could do meanwhile, so that this time counts in no deadline (P-JUDGE-5 of docs/protocol.md).
 */

/** Between two looks of a process that runs, however late its event loop is; what is beyond it was a stop. */
const LOOK_NS_MAX = 1e9;
/** So many of the latest ones are kept: a deadline that began before them has been judged. */
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

  /** How long it was stopped between two times, nanoseconds. */
  between(fromNs: number, toNs: number): number {
    let stoppedNs = 0;
    for (const stop of this.#stops) stoppedNs += Math.max(0, Math.min(stop.toNs, toNs) - Math.max(stop.fromNs, fromNs));
    return stoppedNs;
  }
}
