/**
 * Judges what is there of a run whose whole history was not kept: the events of its flight recorder, which have no
 * payloads, the stores when they were kept, and the tables. Says how much that is.
 */

import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { OperatingError } from '../../src/core/errors.ts';
import { formatCount } from '../../src/core/units.ts';
import type { Findings, HistoryEvent } from '../guarantee/history.ts';
import type { LoggedEvent } from '../guarantee/logged-event.ts';
import { HISTORY_FOLDER, readHistory } from '../guarantee/recorded-history.ts';
import type { RecordedRun } from '../guarantee/recorded-run.ts';
import { type Verdict, decideVerdict } from '../guarantee/verdict.ts';
import { type Violation, violationLine } from '../guarantee/violation.ts';
import { Recheck, type Rechecked, recheckedVerdict } from './recheck.ts';
import { type Producer, type StoredFindings, recheckStores } from './stores.ts';

/** The events that lack what the checkers need. */
const NOT_JUDGED: ReadonlySet<LoggedEvent['event']> = new Set(['batch', 'checkpoint', 'unread', 'trimmed', 'head']);
const WITHOUT_PAYLOADS = 'the history was kept without payloads';

type Events = {
  readonly recheck: Recheck;
  readonly producers: readonly Producer[];
  readonly recorded: number;
  /** Violations that the run found, as it recorded them. Null: some of them may be missing. */
  readonly found: number | null;
  /** The first violation that its checkers found. */
  readonly firstFound: Violation | null;
  readonly remarks: string[];
  readonly damages: string[];
};

export async function recheckParts(folder: string, run: RecordedRun): Promise<Rechecked> {
  const events = recheckEvents(join(folder, HISTORY_FOLDER), run);
  const { recheck, recorded, remarks, damages, found } = events;
  const verdict = recheckedVerdict(recheck.findings());
  const stores = await storesOf(folder, run, events);
  if (stores !== null) remarks.push(`judged what the kept stores hold: ${stores.what}`);
  if (events.firstFound !== null) {
    remarks.push(`not judged again, as it needs payloads: the run found ${violationLine(events.firstFound)}`);
  }
  const judged = `${formatCount(recheck.events)} of ${formatCount(recorded)} events`;
  const part = stores === null ? judged : `${judged}, and in the stores`;
  return { verdict: verdictOf(verdict, stores), isAll: false, remarks, damages, part, found };
}

function recheckEvents(folder: string, { promises }: RecordedRun): Events {
  const recheck = new Recheck(promises);
  const producers: Producer[] = [];
  const remarks: string[] = [];
  const damages: string[] = [];
  let recorded = 0;
  let isUnfollowed = false;
  let found: number | null = 0;
  let firstFound: Violation | null = null;
  try {
    for (const line of readHistory(folder)) {
      if (line.what === 'event') {
        recorded += 1;
        const { n: _, cause: __, ...event } = line.event;
        if (event.event === 'producer') producers.push(event);
        if (found !== null && (event.event === 'violation' || event.event === 'found')) found += 1;
        if (event.event === 'found') firstFound ??= event;
        if (!NOT_JUDGED.has(event.event)) recheck.observe(event as HistoryEvent);
        // The journals' checkers see nothing of the journals, so they do not judge.
        if (!isUnfollowed) recheck.unfollow(WITHOUT_PAYLOADS);
        isUnfollowed = true;
      } else if (line.what === 'compacted') {
        const { firstN, lastN } = line.compacted;
        recorded += lastN - firstN + 1;
        found = null;
      } else remarks.push('the history ends in the middle of a line: its writer was killed');
    }
  } catch (error) {
    if (!(error instanceof OperatingError)) throw error;
    found = null;
    if (error.code === 'ERR_NO_HISTORY') remarks.push('there is no history');
    else damages.push(error.message);
  }
  remarks.unshift(
    `judged ${formatCount(recheck.events)} of ${formatCount(recorded)} events: ${WITHOUT_PAYLOADS}, so that what ` +
      'processes said and did is judged again, and batches and states are not',
  );
  if (found === null) remarks.push('the oldest events were not kept');
  return { recheck, producers, recorded, found, firstFound, remarks, damages };
}

/** Null: there are no stores, or it is unknown whose records they should hold. */
async function storesOf(folder: string, run: RecordedRun, events: Events): Promise<StoredFindings | null> {
  const { producers, remarks, found } = events;
  const recordedAt = run.configuration['dataFolder'];
  const places = [join(folder, 'data'), ...(typeof recordedAt === 'string' ? [recordedAt] : [])];
  const dataFolder = places.find((place) => existsSync(join(place, 'broker')));
  if (dataFolder === undefined) {
    remarks.push('the stores were not kept');
    return null;
  }
  if (found === null) {
    remarks.push('the stores are not judged: which producers the run had is not known for sure');
    return null;
  }
  try {
    return await recheckStores(dataFolder, producers);
  } catch (error) {
    if (!(error instanceof OperatingError)) throw error;
    remarks.push(`the stores cannot be judged: ${error.message}`);
    return null;
  }
}

/** A violation in the stores counts, whatever the events say. */
function verdictOf(verdict: Verdict, stores: StoredFindings | null): Verdict {
  const findings: readonly Findings[] = (stores?.findings ?? []).map((found) => ({ ...found, inconclusive: [] }));
  const stored = decideVerdict(findings);
  if (stored.verdict !== 'VIOLATED') return verdict;
  if (verdict.verdict !== 'VIOLATED') return stored;
  return { ...verdict, reasons: [...verdict.reasons, ...stored.reasons] };
}
