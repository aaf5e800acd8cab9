/**
 * Judges everything that was recorded of a run, event by event. At most one frame of it is held. A long history is
 * judged by two threads: each reads all of it and shows it to its share of the checkers, which do not know of each
 * other. The verdict is made of the findings of both, in the order of the checkers.
 */

import { Worker } from 'node:worker_threads';
import { assert } from '../../src/core/assert.ts';
import { OperatingError } from '../../src/core/errors.ts';
import { formatBytes, formatCount } from '../../src/core/units.ts';
import type { EnginePromises } from '../../src/journal/promises.ts';
import type { Findings } from '../guarantee/history.ts';
import { readWholeHistory } from '../guarantee/whole-history.ts';
import { Recheck } from './recheck.ts';

/** Two checkers compare every record with what it should be. All others together take about as long. */
export type Share = 'all' | 'records' | 'others';
const OF_RECORDS: ReadonlySet<string> = new Set(['acknowledged', 'state']);

export type WholeTask = {
  readonly folder: string;
  readonly promises: EnginePromises;
  readonly share: Share;
};

/** What one share of the checkers found, and what was read. It goes from thread to thread as it is. */
export type WholeFindings = {
  /** By number of the checker among all; null for a checker of another share. */
  readonly findings: readonly (Findings | null)[];
  /** How much was judged, in words. */
  readonly judged: string;
  readonly remarks: readonly string[];
  readonly damages: readonly string[];
  readonly recordedCount: number;
  readonly droppedCount: number;
  /** Violations that the run has recorded. */
  readonly foundCount: number;
  readonly isClosed: boolean;
  readonly hasEnded: boolean;
};

export function recheckShare({ folder, promises, share }: WholeTask): WholeFindings {
  const recheck = new Recheck(promises, (name) => share === 'all' || OF_RECORDS.has(name) === (share === 'records'));
  const remarks: string[] = [];
  const damages: string[] = [];
  let recordedCount = 0;
  let droppedCount = 0;
  let foundCount = 0;
  let isClosed = false;
  try {
    for (const read of readWholeHistory(folder)) {
      if (read.what === 'event') {
        const { event } = read.entry;
        recordedCount += 1;
        if (event.event === 'violation' || event.event === 'found') foundCount += 1;
        recheck.observe(event);
      } else if (read.what === 'dropped') {
        const { firstN, lastN } = read.dropped;
        droppedCount += lastN - firstN + 1;
        const which = `events ${formatCount(firstN)} to ${formatCount(lastN)} were not kept`;
        remarks.push(which);
        recheck.unfollow(which);
      } else if (read.what === 'closed') isClosed = true;
      else remarks.push(`the last ${formatBytes(read.byteLength)} are half a frame: its writer was killed`);
    }
  } catch (error) {
    if (!(error instanceof OperatingError)) throw error;
    damages.push(error.message);
  }
  const findings = recheck.findings();
  const { events, batches, bytes, checkpoints, seconds, hasEnded } = recheck;
  const what = `${formatCount(batches)} batches of ${formatBytes(bytes)}, ${formatCount(checkpoints)} states`;
  const judged = `${formatCount(events)} events over ${seconds.toFixed(1)} s: ${what}`;
  return { findings, judged, remarks, damages, recordedCount, droppedCount, foundCount, isClosed, hasEnded };
}

/** The findings of all checkers. `threads`: 1 or 2. */
export async function recheckWhole(task: Omit<WholeTask, 'share'>, threads: number): Promise<WholeFindings> {
  if (threads === 1) return recheckShare({ ...task, share: 'all' });
  const others = inThread({ ...task, share: 'others' });
  // A thread that fails meanwhile is heard below.
  others.catch(() => undefined);
  const ofRecords = recheckShare({ ...task, share: 'records' });
  return joinedFindings(ofRecords, await others);
}

function inThread(task: WholeTask): Promise<WholeFindings> {
  return new Promise((resolve, reject) => {
    const worker = new Worker(new URL('./whole-recheck-worker.js', import.meta.url), { workerData: task });
    worker.on('message', resolve);
    worker.on('error', reject);
    worker.on('exit', (code) => reject(new Error(`a thread of the audit ended with ${code} and without its findings`)));
  });
}

/**
 * Both have read the same bytes. A history that goes on while it is audited may have grown between the two, which is
 * ERR_HISTORY_GROWS.
 */
export function joinedFindings(ofRecords: WholeFindings, others: WholeFindings): WholeFindings {
  if (ofRecords.recordedCount !== others.recordedCount) {
    throw new OperatingError('ERR_HISTORY_GROWS', 'the history was written to while it was audited: audit it again');
  }
  const findings = ofRecords.findings.map((found, index) => found ?? others.findings[index] ?? null);
  assert(!findings.includes(null), 'each checker belongs to a share');
  return { ...ofRecords, findings };
}
