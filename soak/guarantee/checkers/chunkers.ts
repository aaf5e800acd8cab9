/**
 * Chunkers keep and finish what they report. A file that a chunker has called durably verified stays so after a
 * restart, and each chunker says at the end that all its files are verified.
 */

import type { ComponentEvent } from '../../../src/component/protocol.ts';
import { formatCount } from '../../../src/core/units.ts';
import { forgottenBy } from '../../../src/fleet/meter.ts';
import type { Checker, Findings, HistoryEvent } from '../history.ts';
import { FindingList } from './finding-list.ts';

type Run = Extract<HistoryEvent, { event: 'run' }>;

type Chunker = {
  readonly producer: string;
  verifiedTotal: number;
  /** By its last report. */
  sumsOutstanding: number;
  drained: { readonly verifiedTotal: number; readonly filesCompletedTotal: number } | null;
};

const CHUNKER_NAME = /^chunker\b/;

/** Processes that publish. */
export function chunkersOf(run: Run | null): string[] {
  return (run?.processes ?? []).filter((name) => CHUNKER_NAME.test(name));
}

export class ChunkersChecker implements Checker {
  readonly name = 'chunkers';
  readonly #found = new FindingList(this.name);
  readonly #chunkers = new Map<string, Chunker>();
  #run: Run | null = null;

  observe(event: HistoryEvent): void {
    this.#found.at(event);
    if (event.event === 'run') this.#run = event;
    else if (event.event === 'said') this.#hear(event.process, event.said);
    // The chunker that takes its place is another producer, and must report to the end.
    else if (event.event === 'retired') this.#chunkers.delete(event.process);
  }

  get hasFound(): boolean {
    return this.#found.hasViolation;
  }

  get findings(): Findings {
    return this.#found.findings;
  }

  finish(): Findings {
    for (const name of chunkersOf(this.#run)) this.#judgeEnd(name, this.#chunkers.get(name));
    return this.#found.findings;
  }

  #hear(process: string, said: ComponentEvent): void {
    const known = this.#chunkers.get(process);
    if (said.event === 'ready' && said.component === 'chunker') {
      const { producer, verifiedTotal } = said;
      if (known === undefined) {
        this.#chunkers.set(process, { producer, verifiedTotal, sumsOutstanding: 0, drained: null });
        return;
      }
      const forgotten = forgottenBy(known, said);
      if (forgotten === null) known.verifiedTotal = verifiedTotal;
      else this.#found.violation('state-behind', forgotten, {}, process);
    } else if (known === undefined) return;
    else if (said.event === 'progress' && said.component === 'chunker') {
      known.verifiedTotal = Math.max(known.verifiedTotal, said.verifiedTotal);
      known.sumsOutstanding = said.sumsOutstanding;
    } else if (said.event === 'drained') {
      known.verifiedTotal = Math.max(known.verifiedTotal, said.verifiedTotal);
      known.drained = said;
    }
  }

  #judgeEnd(name: string, chunker: Chunker | undefined): void {
    const drained = chunker?.drained ?? null;
    if (drained === null) {
      const outstanding = formatCount(chunker?.sumsOutstanding ?? 0);
      this.#found.missing(`${name} did not report to the end; ${outstanding} of its sums were outstanding`);
      return;
    }
    const { verifiedTotal, filesCompletedTotal } = drained;
    if (verifiedTotal < filesCompletedTotal) {
      this.#found.missing(`${name} completed ${filesCompletedTotal} files and verified ${verifiedTotal}`);
    } else if (filesCompletedTotal === 0) this.#found.missing(`${name} completed no file`);
  }
}
