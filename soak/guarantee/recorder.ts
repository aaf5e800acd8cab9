/** Writes the history of a simulation: gives each event its time, feeds the checkers, and keeps a digest of all of it. */

import { createHash } from 'node:crypto';
import type { Checker, Happening, HistoryEvent, HistoryFilter } from './history.ts';

/** Hashed together. */
const TEXT_LENGTH_MAX = 32 * 1024;

export class Recorder {
  readonly #hash = createHash('sha256');
  readonly #nowNs: () => number;
  readonly #checkers: readonly Checker[];
  readonly #filter: HistoryFilter;
  #events = 0;
  /** Not hashed yet. */
  #text = '';

  constructor(options: {
    readonly nowNs: () => number;
    readonly checkers: readonly Checker[];
    readonly filter?: HistoryFilter | undefined;
  }) {
    this.#nowNs = options.nowNs;
    this.#checkers = options.checkers;
    this.#filter = options.filter ?? ((event) => [event]);
  }

  get events(): number {
    return this.#events;
  }

  record(happening: Happening): void {
    const event: HistoryEvent = { atNs: this.#nowNs(), ...happening };
    this.#events += 1;
    this.#digest(event);
    for (const seen of this.#filter(event)) for (const checker of this.#checkers) checker.observe(seen);
  }

  /** Ends the history, and says how much was written of it. */
  end(): void {
    this.record({ event: 'end', events: this.#events });
  }

  /** Of every event so far, times and bytes included: 64 hexadecimal digits. */
  digest(): string {
    this.#flush();
    return this.#hash.copy().digest('hex');
  }

  #digest(event: HistoryEvent): void {
    if (event.event !== 'batch') {
      this.#text += `${JSON.stringify(event)}\n`;
      if (this.#text.length > TEXT_LENGTH_MAX) this.#flush();
      return;
    }
    const { atNs, journal, begin, end, stampNs, bytes } = event;
    this.#text += `batch ${atNs} ${journal} ${begin} ${end} ${stampNs} ${bytes.length}\n`;
    this.#flush();
    this.#hash.update(bytes);
  }

  #flush(): void {
    this.#hash.update(this.#text);
    this.#text = '';
  }
}
