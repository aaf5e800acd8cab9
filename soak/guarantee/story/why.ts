/**
 * Walks back from the first sign of a failure to the first events that made it possible: along the causes of events (a
 * message, a timer, a fault), and along the lives of the processes that acted. Pure.
 */

import type { ViolationWitness } from '../../../src/core/errors.ts';
import { SUMS_JOURNAL } from '../../../src/journal/journals.ts';
import { shardOfProducer } from '../checkers/batch-reader.ts';
import { type Cause, SCHEDULE } from '../history-log.ts';
import type { LoggedEvent } from '../logged-event.ts';
import { eventLine } from './around.ts';
import type { Chronicle, Life } from './chronicle.ts';
import { causeText, countOf } from './event-line.ts';
import { fileLines } from './file-lines.ts';
import { DerivedCauses } from './derived-causes.ts';
import type { FilePath, FilePaths } from './file-path.ts';
import { faultBefore, faultLine, indented, lifeText } from './outline.ts';

/** The first thing that went wrong: a violation, a failed process or a reason to doubt. */
export type Question = {
  readonly line: string;
  /** `null`: it concerns the whole run. */
  readonly atNs: number | null;
  /** The process that failed, or that was not heard. */
  readonly process?: string;
} & ViolationWitness;

/** The moment at which a planted bug took effect. */
export type Effect = { readonly atNs: number; readonly cause: Cause; readonly bug: string };

/** How many steps back are told one by one. */
const STEPS_SHOWN = 24;
const LIVES_BACK = 3;

export function whyLines(
  chronicle: Chronicle,
  question: Question,
  { paths, effect }: { readonly paths: FilePaths; readonly effect: Effect | null },
): string[] {
  const isTold = chronicle.events.some(({ cause }) => cause !== undefined);
  const shown = (isTold ? undefined : foundOf(chronicle, question)) ?? shownBy(chronicle, question);
  const [path] = question.file === undefined ? [] : paths.of([question.file]);
  const actor = question.process ?? (shown === undefined ? undefined : actorOf(chronicle, shown));
  const atNs = shown === undefined ? chronicle.endNs : momentOf(shown);
  const owner = path === undefined ? undefined : ownerOf(chronicle, path, atNs);
  const actors = new Set([actor, owner].filter((name) => name !== undefined));
  const lives = [...actors].flatMap((name) => livesBefore(chronicle, name, atNs));
  const derived = isTold ? null : new DerivedCauses(chronicle, path);
  const walk = shown === undefined ? [] : walkBack(chronicle, shown, derived);
  return [
    `why: ${question.line}`,
    ...(path === undefined ? [] : indented(fileLines(chronicle, path))),
    ...(shown === undefined
      ? []
      : ['  back from there, by what caused each:', ...indented(walkLines(chronicle, walk))]),
    ...(derived === null ? [] : holeLines(chronicle, walk)),
    ...(lives.length === 0 ? [] : ['  who did it, and the lives before:']),
    ...indented(lives.map((life) => `${life.process}: ${lifeText(chronicle, life)}`)).map((line) => `  ${line}`),
    '  the first events that made it possible:',
    ...indented(indented(firstLines(chronicle, { walk, lives, effect }))),
  ];
}

/** In the history of a soak: the first event that says what is asked about a file. Its time in a table is rounded. */
function foundOf({ events }: Chronicle, { journal, offset, file }: Question): LoggedEvent | undefined {
  if (file === undefined) return undefined;
  return events.find(
    (event) =>
      (event.event === 'violation' || event.event === 'found') &&
      event.file === file &&
      event.journal === journal &&
      event.offset === offset,
  );
}

/** The event that shows it; undefined when none does. */
function shownBy(chronicle: Chronicle, { journal, offset, atNs, process }: Question): LoggedEvent | undefined {
  const { events } = chronicle;
  const found = events.find((event) => event.event === 'violation' && event.atNs === atNs);
  if (found !== undefined) return found;
  if (journal !== undefined && offset !== undefined) {
    const batch = events.findLast(
      (event) => event.event === 'batch' && event.journal === journal && event.begin === offset,
    );
    if (batch !== undefined) return batch;
  }
  if (process !== undefined) {
    const ended = events.findLast((event) => event.event === 'ended' && event.process === process);
    const told = events.findLast((event) => 'process' in event && event.process === process);
    return ended ?? told;
  }
  return atNs === null ? undefined : events.findLast((event) => event.atNs <= atNs && event.event !== 'end');
}

/** The process that spoke for the shard of a file without a sum. */
function ownerOf(chronicle: Chronicle, { partition, hasSum }: FilePath, atNs: number): string | undefined {
  return partition === null || hasSum ? undefined : chronicle.ownerAt(partition, atNs);
}

/** When it really happened: a batch is durable before it is told of. */
function momentOf(event: LoggedEvent): number {
  return event.event === 'batch' && event.stampNs !== 0 ? event.stampNs : event.atNs;
}

/** The process that caused the event. */
function actorOf(chronicle: Chronicle, event: LoggedEvent): string | undefined {
  if (event.event === 'batch') {
    const shard = shardOfProducer(event.producer ?? '');
    const owner = shard === null ? undefined : chronicle.ownerAt(shard, momentOf(event));
    const sender = event.cause?.kind === 'message' ? event.cause.process : undefined;
    if (event.journal === SUMS_JOURNAL) return sender ?? owner;
    return sender ?? chronicle.producers.get(event.producer ?? '')?.process;
  }
  if ('process' in event) return event.process;
  if ('producer' in event) return chronicle.producers.get(event.producer)?.process;
  return event.cause?.process;
}

/** The event, what led to it, what led to that, and so on. `derived`: where events do not tell their causes. */
function walkBack(chronicle: Chronicle, shown: LoggedEvent, derived: DerivedCauses | null = null): LoggedEvent[] {
  const walk = [shown];
  for (let event = shown; ; ) {
    const { kind, process, from } = event.cause ?? {};
    // Nothing comes before the things that the schedule itself begins.
    if (kind === 'start' && process === SCHEDULE) return walk;
    const told = from === undefined || from >= event.n ? undefined : chronicle.numbered(from);
    const before = told ?? derived?.of(event);
    if (before === undefined) return walk;
    walk.push(before);
    event = before;
  }
}

/** Where the walk may have ended because events were not kept. A fault has no earlier cause. */
function holeLines({ holes }: Chronicle, walk: readonly LoggedEvent[]): string[] {
  const last = walk.at(-1);
  const lost = holes.filter(({ fromNs }) => last !== undefined && fromNs <= last.atNs);
  if (last === undefined || last.event === 'fault' || lost.length === 0) return [];
  const events = lost.reduce((sum, hole) => sum + hole.events, 0);
  return [`  what led to that is not known: of ${countOf(events, 'event')} before it only counts were kept`];
}

function walkLines(chronicle: Chronicle, whole: readonly LoggedEvent[]): string[] {
  // A trim is told in the turn of the append that made room, but leads to nothing.
  const walk = whole.filter(({ event }) => event !== 'trimmed');
  const lines: string[] = [];
  for (let at = 0; at < walk.length && lines.length < STEPS_SHOWN; ) {
    const event = walk[at];
    if (event === undefined) break;
    let same = 1;
    while (isLike(event, walk[at + same])) same += 1;
    lines.push(eventLine(chronicle, event));
    if (same > 2) lines.push(`${''.padStart(16)}  and ${countOf(same - 1, 'event')} like it before that`);
    at += same > 2 ? same : 1;
  }
  const last = walk.at(-1);
  if (last !== undefined && lines.length >= STEPS_SHOWN) {
    lines.push(`${''.padStart(16)}  and further back, to`, eventLine(chronicle, last));
  }
  return lines;
}

function isLike(one: LoggedEvent, other: LoggedEvent | undefined): boolean {
  if (other === undefined || one.event !== other.event) return false;
  return one.cause?.kind === other.cause?.kind && subjectOf(one) === subjectOf(other);
}

function subjectOf(event: LoggedEvent): string {
  if ('process' in event) return event.process;
  return 'producer' in event ? (event.producer ?? '') : '';
}

/** The life that the process led at a time, and its earlier lives, the latest first. */
function livesBefore(chronicle: Chronicle, process: string, atNs: number): Life[] {
  const lives = chronicle.livesOf(process).filter(({ begin }) => begin.atNs <= atNs);
  return lives.slice(-LIVES_BACK).toReversed();
}

/**
 * In the order of time: the planted bug, the faults that ended or began the lives of the acting processes, and the last
 * fault along the causes.
 */
function firstLines(
  chronicle: Chronicle,
  { walk, lives, effect }: { walk: readonly LoggedEvent[]; lives: readonly Life[]; effect: Effect | null },
): string[] {
  const found: { readonly atNs: number; readonly line: string }[] = [];
  if (effect !== null) {
    const when = `${chronicle.time(effect.atNs).padStart(16)}  the planted bug took effect: ${effect.bug}`;
    found.push({ atNs: effect.atNs, line: `${when}, because ${causeText(effect.cause)}` });
  }
  const faults = new Set([
    ...lives.flatMap((life) => faultOfLife(chronicle, life) ?? []),
    ...faultAlong(chronicle, walk),
    ...(effect === null ? [] : faultAlong(chronicle, eventsBefore(chronicle, effect))),
  ]);
  for (const fault of faults) found.push({ atNs: fault.atNs, line: faultLine(chronicle, fault) });
  if (found.length > 0) return found.toSorted((one, other) => one.atNs - other.atNs).map(({ line }) => line);
  const isTold = walk.some(({ cause }) => cause !== undefined);
  if (!isTold && walk.length > 1) return ['unknown: no fault is among the causes that this history shows'];
  return [
    isTold
      ? `${chronicle.time(chronicle.startNs).padStart(16)}  the start of the run: no fault is among its causes`
      : 'unknown: the events of this history do not tell what caused them',
  ];
}

function eventsBefore(chronicle: Chronicle, { cause }: Effect): LoggedEvent[] {
  const event = cause.from === undefined ? undefined : chronicle.numbered(cause.from);
  return event === undefined ? [] : walkBack(chronicle, event);
}

/**
 * The fault by which the life began, if a fault began it: its predecessor was ended, or it was started as a successor.
 */
function faultOfLife(chronicle: Chronicle, life: Life): Chronicle['faults'][number] | undefined {
  const { cause } = life.begin;
  if (cause?.kind === 'fault') return faultNamed(chronicle, cause);
  if (cause !== undefined) return undefined;
  const before = chronicle
    .livesOf(life.process)
    .findLast(({ endedNs }) => endedNs !== null && endedNs <= life.begin.atNs);
  return before?.exitCode === null ? faultBefore(chronicle, before) : undefined;
}

/** The nearest fault along the causes, if there is one. */
function faultAlong(chronicle: Chronicle, walk: readonly LoggedEvent[]): Chronicle['faults'] {
  for (const event of walk) {
    const named = event.cause?.kind === 'fault' ? faultNamed(chronicle, event.cause) : undefined;
    const fault = event.event === 'fault' ? chronicle.faults.find(({ id }) => id === event.id) : named;
    if (fault !== undefined) return [fault];
  }
  return [];
}

/** `fault 5, crash of summer-0`. */
function faultNamed(chronicle: Chronicle, { what = '' }: Cause): Chronicle['faults'][number] | undefined {
  const id = Number(/^fault (\d+)/.exec(what)?.[1]);
  return chronicle.faults.find((fault) => fault.id === id);
}
