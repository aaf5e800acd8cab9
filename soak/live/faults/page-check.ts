/**
 * Whether the page of a process tells the truth: it counts at least as many transactions as the process had reported
 * when the page was read. A page that stands still, or that belongs to somebody else, is found so.
 *
 * The other way cannot be asked: a report that waits to be read is older than the page.
 */

import type { SeenMoments } from '../../../src/moments/page-layout.ts';

export class PageCheck {
  readonly doubts: Set<string> = new Set();

  /** `seen` was read after the process had reported so many transactions as durable. */
  add(name: string, seen: SeenMoments, commits: number): void {
    const begun = seen.begun['in a commit'];
    if (begun >= commits) return;
    this.doubts.add(`the page of moments of ${name} counts ${begun} transactions, and ${name} ${commits}`);
  }
}
