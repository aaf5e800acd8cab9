/**
 * Reads what the folder of a soak says about its run: `run.json`, `history/`, `faults.csv`, `violations.csv`,
 * `intervals.csv` and the logs of its processes. A folder without a history says less, and the story says so.
 */

import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { basename, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { asRecord } from '../../src/core/assert.ts';
import { OperatingError } from '../../src/core/errors.ts';
import { readCsv } from '../../src/results/csv.ts';
import type { LoggedEvent } from '../guarantee/logged-event.ts';
import { HISTORY_FOLDER, type RecordedLine, readHistory } from '../guarantee/recorded-history.ts';
import { type RecordedRun, readRecordedRun } from '../guarantee/recorded-run.ts';
import { WHOLE_FOLDER, tellWholeHistory, wholeHistoryBytes } from '../guarantee/whole-history.ts';
import { Chronicle, type Hole, type ToldFault } from '../guarantee/story/chronicle.ts';
import { countOf } from '../guarantee/story/event-line.ts';
import { mappedStack } from '../guarantee/story/mapped-stack.ts';
import type { Telling, ToldFailure } from '../guarantee/story/telling.ts';
import type { Question } from '../guarantee/story/why.ts';

/** `dist/soak/explain/` is three folders below the root of the package. */
const SOURCE_ROOT = fileURLToPath(new URL('../../..', import.meta.url));

type History = { readonly events: readonly LoggedEvent[]; readonly holes: readonly Hole[]; readonly remarks: string[] };

/** Throws a UsageError when the folder is not that of a soak. */
export function tellRun(folder: string): Telling {
  const run = readRecordedRun(folder);
  const history = readHistoryOf(folder, run);
  const startNs = history.events[0]?.atNs ?? 0;
  const faults = rowsOf(folder, 'faults.csv').map((row) => faultOf(row, startNs));
  const violations = rowsOf(folder, 'violations.csv').map((row) => violationOf(row, startNs));
  const failures = failuresOf(folder, run);
  const seen = new Set([...violations.map(({ line }) => line), ...failures.map(({ line }) => line)]);
  return {
    title: `${basename(resolve(folder))} (seed ${run.seed})`,
    verdict: run.verdict ?? 'not ended, or killed before its verdict',
    remarks: [...history.remarks, ...(history.events.length === 0 ? phaseLines(folder) : [])],
    chronicle: chronicleOf(history, faults),
    violations,
    failures,
    doubts: run.reasons.filter((reason) => !seen.has(reason) && !isLogOf(failures, reason)),
    effect: null,
  };
}

/** Faults from the history, completed from the table; where the history has no events of them, from the table alone. */
function chronicleOf({ events, holes }: History, faults: readonly ToldFault[]): Chronicle {
  const startNs = events[0]?.atNs ?? 0;
  const chronicle = new Chronicle(events, { holes, startNs });
  if (chronicle.faults.length < faults.length) return new Chronicle(events, { holes, faults, startNs });
  const remarks = new Map(faults.map(({ id, remark }) => [id, remark]));
  const remarked = chronicle.faults.map((fault) => {
    const remark = remarks.get(fault.id);
    return remark === undefined ? fault : { ...fault, remark };
  });
  return new Chronicle(events, { holes, faults: remarked, startNs });
}

/** The most bytes of a history that is told as a whole, because a story holds every event in memory. */
const TOLD_BYTES_MAX = 1024 * 1024 * 1024;

/**
 * The lines of the whole history when it was kept and is not too long; otherwise those of the flight recorder, which
 * has only the newest part.
 */
function linesOf(folder: string, { promises }: RecordedRun): Generator<RecordedLine> {
  const whole = join(folder, WHOLE_FOLDER);
  const bytes = wholeHistoryBytes(whole);
  if (bytes === 0 || bytes > TOLD_BYTES_MAX) return readHistory(join(folder, HISTORY_FOLDER));
  return tellWholeHistory(whole, promises);
}

function readHistoryOf(folder: string, run: RecordedRun): History {
  const events: LoggedEvent[] = [];
  const holes: Hole[] = [];
  const remarks: string[] = [];
  try {
    for (const line of linesOf(folder, run)) {
      if (line.what === 'event') events.push(line.event);
      else if (line.what === 'compacted') {
        const { fromNs, toNs, firstN, lastN, kinds } = line.compacted;
        const what = Object.entries(kinds).map(([kind, count]) => `${kind} ${count}`);
        holes.push({ fromNs, toNs, events: lastN - firstN + 1, what: what.join(', ') });
      } else remarks.push(`the history ends in the middle of a line: the run was killed while writing it`);
    }
  } catch (error) {
    if (!(error instanceof OperatingError)) throw error;
    const isAbsent = error.code === 'ERR_NO_HISTORY';
    remarks.push(
      isAbsent
        ? 'this folder has no history: the following lines come from run.json, the CSV files and the logs'
        : `${error.message}; what stands before that is told`,
    );
  }
  return { events, holes, remarks };
}

/** Empty when the file is absent. */
function rowsOf(folder: string, name: string): Record<string, string>[] {
  const path = join(folder, name);
  return existsSync(path) ? readCsv(path) : [];
}

function faultOf(row: Record<string, string>, startNs: number): ToldFault {
  const at = (column: string): number | null => {
    const text = row[column] ?? '';
    return text === '' ? null : startNs + Number(text) * 1e9;
  };
  const healed = row['healed_s'] === '' ? 'not healed' : `healed at ${row['healed_s']} s`;
  const recovered = row['recovered_s'] === '' ? 'not recovered' : `recovered at ${row['recovered_s']} s`;
  return {
    id: Number(row['id']),
    kind: row['kind'] ?? '',
    target: row['target'] ?? '',
    atNs: at('injected_s') ?? at('planned_s') ?? startNs,
    effectiveNs: at('proven_s'),
    remark: `${healed}, ${recovered}`,
  };
}

function violationOf(row: Record<string, string>, startNs: number): Question {
  const text = (column: string): string | undefined => (row[column] === '' ? undefined : row[column]);
  const number = (column: string): number | undefined => (text(column) === undefined ? undefined : Number(row[column]));
  const [journal, offset, file, index] = [text('journal'), number('offset'), text('file_id'), number('index')];
  const witness = Object.entries({ journal, offset, file, index }).filter(([, value]) => value !== undefined);
  const where = witness.map(([name, value]) => ` ${name}=${value}`).join('');
  return {
    line: `${row['process']}: ${row['kind']}${where}: ${row['detail']}`,
    atNs: startNs + Number(row['elapsed_s']) * 1e9,
    ...Object.fromEntries(witness),
  };
}

/** Reasons that name a failed process, each with the last stack in its log. */
function failuresOf(folder: string, { reasons, verdict }: RecordedRun): ToldFailure[] {
  if (verdict !== 'INCONCLUSIVE' && verdict !== 'VIOLATED') return [];
  const logs = join(folder, 'logs');
  const names = new Set(existsSync(logs) ? readdirSync(logs).map((name) => name.replace(/\.log$/, '')) : []);
  return reasons.flatMap((line) => {
    const process = /^(?<name>[\w.-]+): pid \d+ (?:exited|was ended)/.exec(line)?.groups?.['name'];
    if (process === undefined || !names.has(process)) return [];
    return [{ line, process, stack: lastStack(join(logs, `${process}.log`)) }];
  });
}

/** Whether the reason is a line of the log of a process whose stack is told. */
function isLogOf(failures: readonly ToldFailure[], reason: string): boolean {
  return failures.some(({ process = '', stack }) => stack !== null && reason.startsWith(`  ${process}'s log: `));
}

/** The last stack in a log, if it has one. */
function lastStack(path: string): string | null {
  for (const line of readFileSync(path, 'utf8').split('\n').toReversed()) {
    if (!line.includes('"stack"')) continue;
    try {
      const stack = asRecord(JSON.parse(line))?.['stack'];
      if (typeof stack === 'string') return mappedStack(stack, SOURCE_ROOT);
    } catch {
      // A line that was cut: the line before it may be whole.
    }
  }
  return null;
}

/** The flow in each phase, from the rows of seconds. */
function phaseLines(folder: string): string[] {
  const phases = new Map<string, { toS: string; chunks: number; sums: number }>();
  for (const row of rowsOf(folder, 'intervals.csv')) {
    const name = row['phase'] ?? '';
    const phase = phases.get(name) ?? { toS: '', chunks: 0, sums: 0 };
    phases.set(name, phase);
    phase.toS = row['elapsed_s'] ?? '';
    phase.chunks += Number(row['chunks_published']);
    phase.sums += Number(row['sums_verified']);
  }
  return Array.from(
    phases,
    ([name, { toS, chunks, sums }]) =>
      `phase ${name}, to ${toS} s: ${countOf(chunks, 'chunk')} published, ${countOf(sums, 'sum')} verified`,
  );
}
