/**
 * What one broker has of one journal: where it knows the journal to end, which segments it holds, the registers, and
 * the pipeline that holds its spool. A segment is what one append has added. A broker that joins later knows of earlier
 * segments, and has their bytes from the fragment store alone.
 */

import type { LabelSelector, Label } from '../../../src/journal/gazette/wire.ts';

/** `parts`: the batches, which follow each other from `begin` on. */
export type Segment = { readonly begin: number; readonly end: number; readonly parts: readonly Buffer[] };

/** Names the pipeline of one primary by one route. */
export type Holder = { readonly isBroken: () => boolean };

export class Replica {
  /** In their order, without a gap unless the journal has lost something. */
  chain: Segment[] = [];
  /** The segments whose bytes are here. */
  has: Set<Segment> = new Set<Segment>();
  end = 0;
  registers: ReadonlyMap<string, string> = new Map<string, string>();
  heldBy: Holder | null = null;

  add(segment: Segment): void {
    this.chain.push(segment);
    this.has.add(segment);
    this.end = segment.end;
  }

  /** Takes over what another replica knows, but not its bytes. */
  follow({ chain, end, registers }: Pick<Replica, 'chain' | 'end' | 'registers'>): void {
    this.chain = [...chain];
    this.end = end;
    this.registers = registers;
  }
}

/** The segment that has the byte at an offset, of segments in their order. */
export function segmentAt(chain: readonly Segment[], offset: number): Segment | null {
  let low = 0;
  let high = chain.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((chain[middle]?.end ?? 0) <= offset) low = middle + 1;
    else high = middle;
  }
  const found = chain[low];
  return found !== undefined && found.begin <= offset ? found : null;
}

/** The rule of Gazette: no registers at all match everything. */
export function matches(selector: LabelSelector | undefined, registers: ReadonlyMap<string, string>): boolean {
  if (selector === undefined || registers.size === 0) return true;
  const has = ({ name, value }: Label): boolean => (value === '' ? registers.has(name) : registers.get(name) === value);
  return (selector.include?.labels ?? []).every(has) && !(selector.exclude?.labels ?? []).some(has);
}
