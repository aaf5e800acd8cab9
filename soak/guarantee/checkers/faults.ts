/**
 * The faults of a soak took effect and were recovered from, each kind that was asked for. A fault was begun, seen to
 * have hit, seen to be over, and followed by a verified sum in every partition that it hit. When several at once were
 * asked for, some were open together. Finds no violation.
 */

import type { Checker, Findings, HistoryEvent } from '../history.ts';
import { type FaultIds, FaultTallies } from '../fault-tallies.ts';
import { FaultOverlaps } from '../fault-overlaps.ts';
import { FindingList } from './finding-list.ts';

export class FaultsChecker implements Checker {
  readonly name = 'faults';
  readonly #found = new FindingList(this.name);
  readonly #faults = new FaultTallies();
  readonly #overlaps = new FaultOverlaps();
  #atOnce = 1;
  #asked: readonly string[] = [];
  #due: number | null = null;
  #isDoubted = false;

  observe(event: HistoryEvent): void {
    this.#found.at(event);
    this.#faults.add(event);
    this.#overlaps.add(event);
    if (event.event === 'run') {
      this.#asked = event.faultKinds ?? [];
      this.#atOnce = event.faultsAtOnce ?? 1;
    } else if (event.event === 'faults-due') this.#due = event.count;
    else if (event.event === 'doubt') this.#isDoubted = true;
  }

  finish(): Findings {
    if (this.#asked.length > 0) this.#judge();
    return this.#found.findings;
  }

  #judge(): void {
    const { kinds: byKind } = this.#faults;
    const kinds = [...byKind.values()];
    if (kinds.every(({ proven }) => proven.size === 0)) {
      this.#found.missing('faults were asked for but none took effect');
      return;
    }
    for (const kind of this.#asked) {
      if (!byKind.has(kind)) this.#found.missing(`the fault ${kind} was asked for and never injected`);
    }
    for (const [kind, found] of byKind) this.#judgeKind(kind, found);
    if (this.#atOnce > 1 && this.#overlaps.total === 0) {
      this.#found.missing(`up to ${this.#atOnce} faults at once were asked for, and no two were open together`);
    }
    const begun = kinds.reduce((count, { begun: ids }) => count + ids.size, 0);
    if (this.#due === null) this.#found.missing('nothing says how many faults were due');
    // A fault that found no target has a doubt that says so.
    else if (this.#due !== begun && !this.#isDoubted)
      this.#found.missing(`${this.#due} faults were due, and ${begun} began`);
  }

  #judgeKind(kind: string, { begun, proven, healed, recovered }: FaultIds): void {
    const unknown = [...proven, ...recovered].find((id) => !begun.has(id));
    if (unknown !== undefined) this.#found.missing(`the fault ${unknown} (${kind}) had an effect and never began`);
    const unproven = begun.size - proven.size;
    const unhealed = [...proven].filter((id) => !healed.has(id)).length;
    const unrecovered = [...proven].filter((id) => !recovered.has(id)).length;
    if (begun.size > 0 && proven.size === 0) this.#found.missing(`the fault ${kind} never took effect`);
    else if (unproven > 0) this.#found.missing(`${unproven} of ${begun.size} faults ${kind} were not seen to hit`);
    else if (unhealed > 0) this.#found.missing(`${unhealed} of ${proven.size} faults ${kind} were not seen to heal`);
    else if (unrecovered > 0) {
      const which = `${unrecovered} of ${proven.size} faults ${kind}`;
      this.#found.missing(`${which} have not recovered in every partition that they hit`);
    }
  }
}
