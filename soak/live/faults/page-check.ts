/**
 * Whether the page of a process tells the truth: it must count as many transactions as the process itself reports. A
 * page that stands still, or that belongs to somebody else, is found so.
 */

import type { SeenMoments } from '../../../src/moments/page-layout.ts';

/** Transactions that only one of the two counts: those of the start, and the one that is under way. */
const SLACK = 64;

type Known = { readonly pid: number; readonly begun: number };

export class PageCheck {
  readonly doubts: Set<string> = new Set();
  /** By process, what its page had counted when it last reported. */
  readonly #known = new Map<string, Known>();

  /** `seen` was read after the process had reported so many transactions. */
  add(name: string, seen: SeenMoments, commits: number): void {
    const begun = seen.begun['in a commit'];
    const before = this.#known.get(name);
    this.#known.set(name, { pid: seen.pid, begun });
    const isBehind = begun + SLACK < commits;
    const wasAhead = before?.pid === seen.pid && before.begun > commits + SLACK;
    if (!isBehind && !wasAhead) return;
    this.doubts.add(
      `the page of moments of ${name} counts ${wasAhead ? before.begun : begun} transactions, and ${name} ${commits}`,
    );
  }
}
