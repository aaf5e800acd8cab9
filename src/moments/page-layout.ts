/**
 * The page in which a component tells its moments to whoever watches it, in the byte order of the machine:
 *
 * | offset | size | what |
 * |---|---|---|
 * | 0 | 4 | `MAGIC`; else nobody has written it |
 * | 4 | 4 | the component, by `COMPONENTS`, from 1 |
 * | 8 | 4 | pid |
 * | 32 | 16 x 4 | by moment, how often it has begun, modulo 2^32 |
 * | 96 | 16 x 4 | by moment, how often it has ended |
 *
 * A moment is under way while its two counts differ. So each change is one store, and a page tells the truth whenever
 * its writer is stopped.
 */

import type { Component } from '../component/protocol.ts';
import { BUSY_MOMENTS, type BusyMoment } from './moment.ts';

/** ASCII `mom1`. */
export const MAGIC = 0x6d6f_6d31;
export const COMPONENTS: readonly Component[] = ['broker', 'summer', 'chunker'];
/** Places in the page, in counts of 4 bytes. */
export const AT = { magic: 0, component: 1, pid: 2, begun: 8, ended: 24, end: 40 } as const;
const COUNT_BYTES = 4;
/** The part of a page that is read. */
export const READ_BYTES: number = AT.end * COUNT_BYTES;
/** The distance between the pages of a file. */
export const PAGE_BYTES = 4096;

/** What a page said. */
export type SeenMoments = {
  readonly component: Component;
  readonly pid: number;
  /** The moments that are under way; none: the component is idle. */
  readonly moments: readonly BusyMoment[];
  /** How often each moment has begun. */
  readonly begun: Readonly<Record<BusyMoment, number>>;
};

/** Null: the page was never written. */
export function decodePage(bytes: Uint8Array): SeenMoments | null {
  const counts = new Uint32Array(bytes.slice(0, READ_BYTES).buffer);
  const at = (index: number): number => counts[index] ?? 0;
  const component = COMPONENTS[at(AT.component) - 1];
  if (at(AT.magic) !== MAGIC || component === undefined) return null;
  const moments = BUSY_MOMENTS.filter((_, index) => at(AT.begun + index) !== at(AT.ended + index));
  const begun = Object.fromEntries(BUSY_MOMENTS.map((moment, index) => [moment, at(AT.begun + index)]));
  return { component, pid: at(AT.pid), moments, begun: begun as Record<BusyMoment, number> };
}
