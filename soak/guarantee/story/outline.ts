/** The story of a run of any outcome in plain lines: how it ended, its phases, its processes, its faults. Pure. */

import { SUMS_JOURNAL } from '../../../src/journal/journals.ts';
import { SCHEDULE } from '../history-log.ts';
import { causeText, countOf } from './event-line.ts';
import type { Chronicle, Life, ToldFault, ToldPhase } from './chronicle.ts';

/** How many lives of one process, and how many faults, are told one by one. Beyond that there is a count. */
const LIVES_SHOWN = 12;
const FAULTS_SHOWN = 60;
/**
 * Times of a table of faults count from the beginning of the run, which is at most this much before its first event.
 */
const TABLE_NS = 0.1e9;

export function outlineLines(chronicle: Chronicle): string[] {
  return [
    ...holeLines(chronicle),
    'phases',
    ...indented(phaseLines(chronicle)),
    'processes',
    ...indented(processLines(chronicle)),
    ...faultLines(chronicle),
  ];
}

/** The parts of the history that are known only as counts; empty when all of it is known. */
export function holeLines(chronicle: Chronicle): string[] {
  return chronicle.holes.map(({ fromNs, toNs, events, what }) => {
    const when = `from ${chronicle.time(fromNs)} to ${chronicle.time(toNs)}`;
    return `${when} only counts were kept of ${countOf(events, 'event')}: ${what}`;
  });
}

/** What flowed in a phase: counts of the events that are told in it. */
type Flow = { records: number; batches: number; sums: number; verified: number; checkpoints: number; drained: number };

function phaseLines(chronicle: Chronicle): string[] {
  if (chronicle.phases.length === 0) return ['the history tells of no phase'];
  const flows = flowsOf(chronicle);
  return chronicle.phases.map((phase, index) => {
    const { records, batches, sums, verified, checkpoints, drained } = flows[index] ?? emptyFlow();
    const counts = [
      `${countOf(records, 'record')} folded in ${batches} batches`,
      `${countOf(sums, 'sum')} published`,
      `${countOf(verified, 'file')} verified`,
      ...(checkpoints === 0 ? [] : [`${countOf(checkpoints, 'checkpoint')} judged`]),
      ...(drained === 0 ? [] : [`${countOf(drained, 'chunker')} drained`]),
    ];
    return `${span(chronicle, phase)}  ${phase.phase}: ${counts.join(', ')}`;
  });
}

function flowsOf(chronicle: Chronicle): Flow[] {
  const flows = chronicle.phases.map(emptyFlow);
  let at = -1;
  for (const event of chronicle.events) {
    if (event.event === 'phase') at += 1;
    const flow = flows[at];
    if (flow === undefined) continue;
    if (event.event === 'batch') {
      if (event.journal === SUMS_JOURNAL) flow.sums += event.count ?? 0;
      else {
        flow.records += event.count ?? 0;
        flow.batches += 1;
      }
    } else if (event.event === 'verified') flow.verified += 1;
    else if (event.event === 'verified-files') flow.verified += event.files;
    else if (event.event === 'checkpoint') flow.checkpoints += 1;
    else if (event.event === 'drained') flow.drained += 1;
  }
  return flows;
}

function emptyFlow(): Flow {
  return { records: 0, batches: 0, sums: 0, verified: 0, checkpoints: 0, drained: 0 };
}

function span(chronicle: Chronicle, { fromNs, toNs }: ToldPhase): string {
  return `${chronicle.time(fromNs).padStart(16)} to ${chronicle.time(toNs)}`;
}

function processLines(chronicle: Chronicle): string[] {
  return chronicle.processes.flatMap((process) => {
    const lives = chronicle.livesOf(process);
    if (lives.length === 0) return [`${process}: the history does not tell of its starts`];
    const shown = lives.slice(0, LIVES_SHOWN).map((life) => `${process}: ${lifeText(chronicle, life)}`);
    const more = lives.length - shown.length;
    return more > 0 ? [...shown, `${process}: and ${countOf(more, 'more life').replace(/lifes$/, 'lives')}`] : shown;
  });
}

/** One life of a process in one line, with the reasons for its beginning and its end. */
export function lifeText(chronicle: Chronicle, life: Life): string {
  const { startedNs, readyNs, endedNs, exitCode, begin, end } = life;
  const parts: string[] = [];
  if (startedNs !== null) parts.push(`started at ${chronicle.time(startedNs)}${because(chronicle, life, begin)}`);
  if (readyNs !== null) parts.push(`ready at ${chronicle.time(readyNs)}`);
  if (endedNs === null) parts.push('not ended');
  else {
    const how = exitCode === null ? 'killed' : `exited ${exitCode}`;
    parts.push(`${how} at ${chronicle.time(endedNs)}${end === null ? '' : because(chronicle, life, end)}`);
  }
  return parts.join(', ');
}

/** Faults, signals and starts are worth naming. Messages and timers are named only for exits. */
function because(chronicle: Chronicle, life: Life, event: Life['begin']): string {
  const { cause } = event;
  if (cause === undefined) {
    const fault = event.event === 'ended' && event.exitCode === null ? faultBefore(chronicle, life) : undefined;
    return fault === undefined ? '' : ` (after fault ${fault.id}, ${fault.kind})`;
  }
  if (cause.kind === 'start' && cause.process === SCHEDULE) return '';
  if (cause.kind === 'timer' || cause.kind === 'message') {
    return event.event === 'ended' ? ` (${causeText(cause)})` : '';
  }
  return ` (${causeText(cause)})`;
}

/** The last fault with this process among its targets, before the process ended. */
export function faultBefore(chronicle: Chronicle, { process, begin, endedNs }: Life): ToldFault | undefined {
  const toNs = endedNs === null ? Number.MAX_VALUE : endedNs + TABLE_NS;
  return chronicle.faults.findLast(({ target, atNs }) => atNs <= toNs && atNs >= begin.atNs && hits(target, process));
}

/** Whether a fault of this target hits the process: `all`, its name, its name in a list, or the name of its slot. */
export function hits(target: string, process: string): boolean {
  const names = target.split(/[ ,+]+/);
  return names.includes('all') || names.includes(process) || names.includes(process.replace(/\.\d+$/, ''));
}

function faultLines(chronicle: Chronicle): string[] {
  const { faults } = chronicle;
  const hit = faults.filter(({ effectiveNs }) => effectiveNs !== null).length;
  const lines = faults.slice(0, FAULTS_SHOWN).map((fault) => faultLine(chronicle, fault));
  const more = faults.length - lines.length;
  if (more > 0) lines.push(`and ${countOf(more, 'more fault')}`);
  return [`${countOf(faults.length, 'fault')} injected, ${hit} known to have hit`, ...indented(lines)];
}

export function faultLine(chronicle: Chronicle, { id, kind, target, atNs, effectiveNs, remark }: ToldFault): string {
  const hit = effectiveNs === null ? 'not seen to hit' : `hit at ${chronicle.time(effectiveNs)}`;
  const more = remark === undefined ? '' : `, ${remark}`;
  return `${chronicle.time(atNs).padStart(16)}  fault ${id}: ${kind} of ${target}, ${hit}${more}`;
}

export function indented(lines: readonly string[]): string[] {
  return lines.map((line) => `  ${line}`);
}
