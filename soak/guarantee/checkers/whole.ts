/**
 * The history is whole: it begins with its run, has an end with all events before it, and its clock never goes back.
 */

import type { Checker, Findings, HistoryEvent } from '../history.ts';
import { FindingList } from './finding-list.ts';

export class WholeHistoryChecker implements Checker {
  readonly name = 'whole';
  readonly #found = new FindingList(this.name);
  #events = 0;
  #lastNs = Number.NEGATIVE_INFINITY;
  #hasRun = false;
  #isUnordered = false;
  #hasEnded = false;

  observe(event: HistoryEvent): void {
    const { event: name, atNs } = event;
    if (name === 'run' && this.#events > 0) this.#found.inconclusive('the history does not begin with its run');
    if (this.#hasEnded) this.#found.inconclusive(`the history goes on after its end, with an event ${name}`);
    if (!(atNs >= this.#lastNs) && this.#events > 0 && !this.#isUnordered) {
      this.#isUnordered = true;
      this.#found.inconclusive(`time goes back at event ${this.#events}, from ${this.#lastNs} to ${atNs} ns`);
    }
    if (name === 'run') this.#hasRun = true;
    if (name === 'end') this.#end(event);
    this.#lastNs = atNs;
    this.#events += 1;
  }

  get findings(): Findings {
    return this.#found.findings;
  }

  finish(): Findings {
    if (!this.#hasRun) this.#found.inconclusive('the history does not say what was asked for');
    if (!this.#hasEnded) this.#found.inconclusive('the history has no end');
    return this.#found.findings;
  }

  #end({ events }: Extract<HistoryEvent, { event: 'end' }>): void {
    this.#hasEnded = true;
    if (events === undefined || events === this.#events) return;
    this.#found.inconclusive(`${events} events were written before the end, and ${this.#events} came`);
  }
}
