/**
 * Load flowed in every phase of a soak, and on the way from the chunkers' reports into the phases each sum was counted
 * exactly once. Finds no violation.
 */

import { formatCount, formatDuration } from '../../../src/core/units.ts';
import type { ComponentEvent } from '../../../src/component/protocol.ts';
import type { Checker, Findings, HistoryEvent } from '../history.ts';
import type { Phase } from '../phase.ts';
import { FindingList } from './finding-list.ts';
import { chunkersOf } from './chunkers.ts';

type Flow = Extract<HistoryEvent, { event: 'flowed' }>;
type Run = Extract<HistoryEvent, { event: 'run' }>;

/** Verified files of one chunker by its last report: before the run, and by now. */
type Verified = { readonly before: number; total: number; drained: { verified: number; completed: number } | null };

/** Shorter phases need not show any flow. */
export const FLOW_SECONDS_MIN: number = 1;
/** Phases in which nothing new is published. */
const UNLOADED: readonly Phase[] = ['drain', 'audit'];

export class FlowChecker implements Checker {
  readonly name = 'flow';
  readonly #found = new FindingList(this.name);
  readonly #flows: Flow[] = [];
  readonly #begun = new Set<Phase>();
  readonly #verified = new Map<string, Verified>();
  #run: Run | null = null;
  /** When all processes were ready for the first time. */
  #upNs: number | null = null;
  #isStoppedAtOnce = false;
  /** Verified files of this run whose chunkers were retired since. */
  #verifiedByRetired = 0;

  observe(event: HistoryEvent): void {
    this.#found.at(event);
    if (event.event === 'run') {
      this.#run = event;
    } else if (event.event === 'up') {
      this.#upNs ??= event.atNs;
    } else if (event.event === 'phase') {
      this.#begun.add(event.phase);
    } else if (event.event === 'flowed') {
      this.#flows.push(event);
    } else if (event.event === 'said') {
      this.#hear(event.process, event.said);
    } else if (event.event === 'retired') {
      this.#retire(event.process);
    } else if (event.event === 'interrupted') {
      if (event.how === 'at once') this.#isStoppedAtOnce = true;
    }
  }

  finish(): Findings {
    this.#judgePhases();
    const sums = [...this.#verified.values()].reduce(
      (sum, { before, total }) => sum + total - before,
      this.#verifiedByRetired,
    );
    if (sums === 0) this.#found.missing('no sums were verified');
    this.#judgeCounts(sums);
    return this.#found.findings;
  }

  #hear(process: string, said: ComponentEvent): void {
    const known = this.#verified.get(process);
    if (said.event === 'ready' && said.component === 'chunker') {
      const { verifiedTotal: total } = said;
      if (known === undefined) this.#verified.set(process, { before: total, total, drained: null });
      else known.total = Math.max(known.total, total);
    } else if (known === undefined) return;
    else if (said.event === 'progress' && said.component === 'chunker') {
      known.total = Math.max(known.total, said.verifiedTotal);
    } else if (said.event === 'drained') {
      known.total = Math.max(known.total, said.verifiedTotal);
      known.drained = { verified: said.verifiedTotal, completed: said.filesCompletedTotal };
    }
  }

  #retire(process: string): void {
    const { before, total } = this.#verified.get(process) ?? { before: 0, total: 0 };
    this.#verifiedByRetired += total - before;
    this.#verified.delete(process);
  }

  #judgePhases(): void {
    const flows = this.#flows.filter(({ phase }) => !UNLOADED.includes(phase));
    for (const flow of flows) {
      const { phase, chunksPublished, sumsVerified } = flow;
      const seconds = this.#secondsOf(flow);
      if (chunksPublished === 0 && seconds >= FLOW_SECONDS_MIN) {
        this.#found.missing(`no chunks flowed in the phase ${phase}`);
      }
      // In a warm-up the first files may still be open. Each other phase has its own claim.
      else if (sumsVerified === 0 && phase !== 'warm-up') {
        this.#found.missing(`no sum was verified in the phase ${phase} of ${formatDuration(seconds * 1e3)}`);
      }
    }
    if (flows.length === 0) this.#found.missing('no phase was finished');
    if (this.#upNs === null && flows.length > 1) this.#found.missing('nothing says that all processes were ready');
    const told = new Set(this.#flows.map(({ phase }) => phase));
    for (const phase of this.#begun) {
      if (flows.length > 0 && !told.has(phase)) this.#found.missing(`nothing says what flowed in the phase ${phase}`);
    }
  }

  /** The warm-up begins with the run; only the time in which something could flow counts. */
  #secondsOf({ phase, seconds }: Flow): number {
    if (phase !== 'warm-up') return seconds;
    return seconds - ((this.#upNs ?? Number.POSITIVE_INFINITY) - (this.#run?.atNs ?? 0)) / 1e9;
  }

  /** `sums`: verified sums by the reports. */
  #judgeCounts(sums: number): void {
    const sampled = this.#flows.reduce((sum, { sumsVerified }) => sum + sumsVerified, 0);
    if (this.#flows.length > 0 && sampled !== sums && !this.#isStoppedAtOnce) {
      this.#found.missing(`the phases count ${formatCount(sampled)} sums, and the meters ${formatCount(sums)}`);
    }
    const drained = chunkersOf(this.#run).map((name) => this.#verified.get(name)?.drained ?? null);
    const verified = drained.reduce((sum, ended) => sum + (ended?.verified ?? 0), this.#verifiedByRetired);
    // The checker of chunkers reports files that a chunker did not verify.
    const areDone = drained.every((ended) => ended !== null && ended.verified >= ended.completed);
    if (areDone && sums > verified) {
      this.#found.missing(`the meters count ${formatCount(sums)} sums, and the chunkers ${formatCount(verified)}`);
    }
  }
}
