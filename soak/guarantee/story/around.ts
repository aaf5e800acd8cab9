/** Every event around one time of a run, with its cause. Pure. */

import type { Chronicle } from './chronicle.ts';
import { causeText, countOf, lineOf } from './event-line.ts';

const AROUND_NS = 1e9;
/** The most events around one time. When there are more, the nearest are told. */
const LINES_MAX = 60;

/** `sinceNs`: counted from the beginning of the run. */
export function aroundLines(chronicle: Chronicle, sinceNs: number): string[] {
  const atNs = chronicle.startNs + sinceNs;
  const near = chronicle.events.filter((event) => Math.abs(event.atNs - atNs) <= AROUND_NS);
  const nearest = near
    .toSorted((one, other) => Math.abs(one.atNs - atNs) - Math.abs(other.atNs - atNs))
    .slice(0, LINES_MAX);
  const shown = new Set(nearest);
  const left = near.length - shown.size;
  return [
    `around ${chronicle.time(atNs)}: ${countOf(near.length, 'event')} within ${AROUND_NS / 1e9} s` +
      (left === 0 ? '' : `, of which the nearest ${LINES_MAX} are told`),
    ...chronicle.events.filter((event) => shown.has(event)).map((event) => `  ${eventLine(chronicle, event)}`),
  ];
}

/** The time, what happened, and why where that is known. */
export function eventLine(chronicle: Chronicle, event: Chronicle['events'][number]): string {
  const nameOf = (producer: string): string => chronicle.producers.get(producer)?.process ?? producer;
  const cause = event.cause === undefined ? '' : `, because ${causeText(event.cause)}`;
  return `${chronicle.time(event.atNs).padStart(16)}  ${lineOf(event, nameOf)}${cause}`;
}
