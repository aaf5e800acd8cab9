/**
 * The moments of this process, told to whoever watches it: one plain store into a shared page for each change. Without
 * `STREAM_SUM_MOMENTS` in the environment there is no page, and nothing is wrapped.
 */

import type { Component } from '../component/protocol.ts';
import { CountPage } from '../hash/count-page.ts';
import { BUSY_MOMENTS, type BusyMoment } from './moment.ts';
import { AT, COMPONENTS, MAGIC } from './page-layout.ts';

/** `PATH#OFFSET`: the file of the page, and the page's place in it. */
export const MOMENTS_VARIABLE = 'STREAM_SUM_MOMENTS';

/** The functions that write a page. */
export type Counts = Pick<CountPage, 'set' | 'add'>;

const INDEXES: ReadonlyMap<BusyMoment, number> = new Map(BUSY_MOMENTS.map((moment, index) => [moment, index]));

export class OwnMoments {
  readonly #counts: Counts;
  /** How often a moment is under way, for moments that can be so several times at once. */
  readonly #depths = new Map<BusyMoment, number>();

  /** Clears the page, because this process is starting. */
  constructor(component: Component, counts: Counts, pid: number = process.pid) {
    this.#counts = counts;
    counts.set(AT.magic, 0);
    for (let index = AT.magic + 1; index < AT.end; index += 1) counts.set(index, 0);
    counts.set(AT.component, COMPONENTS.indexOf(component) + 1);
    counts.set(AT.pid, pid);
    this.begin('starting');
    counts.set(AT.magic, MAGIC);
  }

  /** Begins the moment once more. It lasts until it has ended as often as it began. */
  begin(moment: BusyMoment): void {
    const depth = this.#depths.get(moment) ?? 0;
    this.#depths.set(moment, depth + 1);
    if (depth === 0) this.#counts.add(AT.begun + indexOf(moment));
  }

  end(moment: BusyMoment): void {
    const depth = this.#depths.get(moment) ?? 0;
    if (depth === 0) return;
    this.#depths.set(moment, depth - 1);
    if (depth === 1) this.#counts.add(AT.ended + indexOf(moment));
  }

  /** Begins the moment unless it is under way. */
  enter(moment: BusyMoment): void {
    if ((this.#depths.get(moment) ?? 0) === 0) this.begin(moment);
  }

  /** Ends the moment, however often it has begun. */
  leave(moment: BusyMoment): void {
    if ((this.#depths.get(moment) ?? 0) === 0) return;
    this.#depths.set(moment, 1);
    this.end(moment);
  }
}

function indexOf(moment: BusyMoment): number {
  return INDEXES.get(moment) ?? 0;
}

/** Null when nobody watches. A page that cannot be mapped is reported in one line; the process goes on. */
export function openOwnMoments(
  component: Component,
  tell: (line: string) => void,
  place: string | undefined = process.env[MOMENTS_VARIABLE],
): OwnMoments | null {
  if (place === undefined || place === '') return null;
  const { path = '', offset = '' } = /^(?<path>.*)#(?<offset>\d+)$/.exec(place)?.groups ?? {};
  try {
    return new OwnMoments(component, CountPage.open(path, Number(offset)));
  } catch (error) {
    tell(`${MOMENTS_VARIABLE}: ${error instanceof Error ? error.message : String(error)}`);
    return null;
  }
}
