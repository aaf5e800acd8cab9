/**
 * Checks that the page of a process tells the truth: it must count at least as many transactions as the process had
 * reported when the page was read. This finds a page that stands still or belongs to another process.
 *
 * The opposite check is impossible, because a report that waits to be read is older than the page.
 */

import type { SeenMoments } from '../../../src/moments/page-layout.ts';

export class PageCheck {
  readonly doubts: Set<string> = new Set();

  /** `seen` was read after the process had reported this many durable transactions. */
  add(name: string, seen: SeenMoments, commits: number): void {
    const begun = seen.begun['in a commit'];
    if (begun >= commits) return;
    this.doubts.add(`the page of moments of ${name} counts ${begun} transactions, and ${name} ${commits}`);
  }
}
