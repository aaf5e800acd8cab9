/** A telling as a timeline: what is drawn of it, and what is left out of the drawing. Pure. */

import type { Mark, Span, Timeline } from '../../../src/report/timeline.ts';
import type { LoggedEvent } from '../logged-event.ts';
import { eventLine } from './around.ts';
import type { Chronicle, ToldFault } from './chronicle.ts';
import { countOf } from './event-line.ts';
import { type FilePath, FilePaths } from './file-path.ts';
import { faultLine, hits, holeLines, lifeText } from './outline.ts';
import { type Telling, fileIdIn, headLines } from './telling.ts';

/** The number of time steps in which events are counted. */
const STEPS = 400;
/** The most marks, faults, lives and files. More would hide each other; the page says how many are left out. */
const MARKS_MAX = 4_000;
const FAULTS_MAX = 2_000;
const SPANS_MAX = 4_000;
const FILES_MAX = 200;

/** Events that are drawn one by one. All others are counted by time. */
const MARKED: Readonly<Partial<Record<LoggedEvent['event'], string>>> = {
  raised: 'claims',
  confirmed: 'claims',
  checkpoint: 'checkpoints',
  ending: 'ends of chunkers',
  drained: 'ends of chunkers',
  unread: 'unread journals',
};

/** `file`: a file whose path must be on the page. */
export function timelineOfRun(telling: Telling, file?: string): Timeline {
  const { chronicle } = telling;
  const lanes = chronicle.processes;
  const laneOf = new Map(lanes.map((name, lane) => [name, lane]));
  const at = (atNs: number): number => (atNs - chronicle.startNs) / 1e9;
  const marks = marksOf(chronicle, laneOf);
  const spans = spansOf(chronicle, laneOf);
  const { faults } = chronicle;
  const paths = new FilePaths(chronicle);
  const files = filesOf(telling, paths, file);
  return {
    title: `${telling.title}: ${telling.verdict}`,
    lines: headLines(telling),
    endS: at(chronicle.endNs),
    lanes,
    phases: chronicle.phases.map(({ phase, fromNs, toNs }) => ({ name: phase, fromS: at(fromNs), toS: at(toNs) })),
    spans: spans.slice(0, SPANS_MAX),
    activity: activityOf(chronicle, laneOf),
    marks: [...thinned(marks, MARKS_MAX), ...effectMarks(telling, laneOf)],
    faults: faults.slice(0, FAULTS_MAX).map((fault) => ({
      lanes: lanesHit(chronicle, fault, laneOf),
      atS: at(fault.atNs),
      toS: at(fault.effectiveNs ?? fault.atNs),
      hasHit: fault.effectiveNs !== null,
      text: faultLine(chronicle, fault).trim(),
    })),
    violations: violationsOf(telling, laneOf),
    files: files.shown.map((path) => trackOf(chronicle, path, laneOf)),
    leftOut: [
      ...holeLines(chronicle),
      ...leftOf(spans.length, SPANS_MAX, 'life', 'lives'),
      ...leftOf(marks.length, MARKS_MAX, 'mark', 'marks, evenly over time'),
      ...leftOf(faults.length, FAULTS_MAX, 'fault', 'faults'),
      ...leftOf(files.total, files.shown.length, 'path of a file', 'paths of files'),
    ],
  };
}

function leftOf(total: number, shown: number, one: string, many: string): string[] {
  const left = total - shown;
  return left <= 0 ? [] : [`${left} of ${total} ${left === 1 ? one : many}`];
}

function spansOf(chronicle: Chronicle, laneOf: ReadonlyMap<string, number>): Span[] {
  const at = (atNs: number): number => (atNs - chronicle.startNs) / 1e9;
  return chronicle.lives.map((life) => ({
    lane: laneOf.get(life.process) ?? 0,
    fromS: at(life.begin.atNs),
    toS: at(life.endedNs ?? chronicle.endNs),
    readyS: life.readyNs === null ? null : at(life.readyNs),
    text: `${life.process}: ${lifeText(chronicle, life)}`,
  }));
}

function marksOf(chronicle: Chronicle, laneOf: ReadonlyMap<string, number>): Mark[] {
  return chronicle.events.flatMap((event) => {
    const kind = MARKED[event.event];
    if (kind === undefined) return [];
    const lane = laneOf.get(laneNameOf(chronicle, event)) ?? 0;
    return [{ lane, atS: (event.atNs - chronicle.startNs) / 1e9, kind, text: eventLine(chronicle, event).trim() }];
  });
}

/** On the lane of the process that did it, as far as the cause says. */
function effectMarks({ effect, chronicle }: Telling, laneOf: ReadonlyMap<string, number>): Mark[] {
  if (effect === null) return [];
  const { atNs, cause, bug } = effect;
  const lane = laneOf.get(cause.process ?? '') ?? 0;
  const atS = (atNs - chronicle.startNs) / 1e9;
  return [{ lane, atS, kind: 'planted bug', text: `the planted bug took effect: ${bug}` }];
}

/** The process on whose lane an event is drawn; the broker for a journal's events. */
function laneNameOf(chronicle: Chronicle, event: LoggedEvent): string {
  if (event.event === 'batch') return 'broker';
  if ('process' in event) return event.process;
  if ('producer' in event && event.producer !== undefined) {
    return chronicle.producers.get(event.producer)?.process ?? 'broker';
  }
  return 'broker';
}

/** The lanes of its targets that lived meanwhile. If none of them lived, the lanes of all its targets. */
function lanesHit(chronicle: Chronicle, fault: ToldFault, laneOf: ReadonlyMap<string, number>): number[] {
  const toNs = fault.effectiveNs ?? fault.atNs;
  const targets = Array.from(laneOf).filter(([name]) => hits(fault.target, name));
  const lived = targets.filter(([name]) =>
    chronicle.livesOf(name).some(({ begin, endedNs }) => begin.atNs <= toNs && (endedNs ?? toNs) >= fault.atNs),
  );
  return (lived.length > 0 ? lived : targets).map(([, lane]) => lane);
}

/** How many events each lane had in each step of time. */
function activityOf(chronicle: Chronicle, laneOf: ReadonlyMap<string, number>): Timeline['activity'] {
  const { startNs, endNs, events } = chronicle;
  const stepNs = Math.max(1, (endNs - startNs) / STEPS);
  const counts = Array.from(laneOf, () => Array.from({ length: STEPS }, () => 0));
  for (const event of events) {
    const atNs = event.event === 'batch' && event.stampNs !== 0 ? event.stampNs : event.atNs;
    const step = Math.min(STEPS - 1, Math.max(0, Math.floor((atNs - startNs) / stepNs)));
    const lane = counts[laneOf.get(laneNameOf(chronicle, event)) ?? 0];
    if (lane !== undefined) lane[step] = (lane[step] ?? 0) + 1;
  }
  return { stepS: stepNs / 1e9, counts };
}

function violationsOf({ violations, failures, chronicle }: Telling, laneOf: ReadonlyMap<string, number>): Mark[] {
  const at = (atNs: number | null): number => ((atNs ?? chronicle.endNs) - chronicle.startNs) / 1e9;
  const laneIn = (line: string): number => laneOf.get(/^(?<name>[\w.-]+): /.exec(line)?.groups?.['name'] ?? '') ?? 0;
  return [
    ...violations.map(({ line, atNs }) => ({ lane: laneIn(line), atS: at(atNs), kind: 'violation', text: line })),
    ...failures.map(({ line }) => ({ lane: laneIn(line), atS: at(null), kind: 'failure', text: line })),
  ];
}

/** Files that were asked for or that a violation names come first, then others, evenly over the run. */
function filesOf(telling: Telling, paths: FilePaths, file?: string): { shown: FilePath[]; total: number } {
  const { known } = paths;
  const first = [
    ...(file === undefined ? [] : [fileIdIn(telling, file)]),
    ...telling.violations.flatMap((violation) => violation.file ?? []),
  ];
  const chosen = [...new Set([...first, ...thinned(known, FILES_MAX)])].slice(0, FILES_MAX);
  return { shown: paths.of(chosen), total: new Set([...first, ...known]).size };
}

function trackOf(chronicle: Chronicle, path: FilePath, laneOf: ReadonlyMap<string, number>): Timeline['files'][number] {
  const { file, producer, fileNumber, records, isVerified, hasSum, steps } = path;
  const end = isVerified ? 'verified' : hasSum ? 'summed' : 'without a sum';
  const owner = producer === null ? 'no producer' : `file ${fileNumber} of ${producer.process}`;
  return {
    id: file,
    label: `${owner}, ${countOf(records.length, 'record')}, ${end}`,
    steps: steps.flatMap(({ atNs, process, what }) => {
      const lane = laneOf.get(process);
      return atNs === null || lane === undefined ? [] : [{ lane, atS: (atNs - chronicle.startNs) / 1e9, text: what }];
    }),
  };
}

/** At most `most` of the values, evenly. */
function thinned<T>(values: readonly T[], most: number): readonly T[] {
  if (values.length <= most) return values;
  return Array.from({ length: most }, (_, index) => values[Math.floor((index * values.length) / most)] as T);
}
