/**
 * What the engine's example did with its whole load, from the start of its chunker until every sum was verified. Its
 * streams end together at last, and a worker that waits for a sum publishes nothing. So its rate in the middle half of
 * its load, where hardly any stream ends, is higher, and is a figure too. Pure.
 */

import type { ExampleLoad } from '../harness/engine.ts';
import type { Measurement } from '../harness/task.ts';
import { ALL, CPU_METRIC, RATE_METRIC } from '../possible.ts';
import { difference, total } from './flow-window.ts';
import { higher, lower } from './measurements.ts';

/** The example has chunks of this size alone. */
export const EXAMPLE_CHUNK_BYTES = 32;
/** Where the middle half of a load begins and ends. */
const MIDDLE = { begin: 0.25, end: 0.75 };

/** The example at one moment. */
export type ExampleLook = {
  readonly atNs: number;
  /** Chunks and ends of streams that are folded. */
  readonly folded: number;
  /** Since the start, by process. */
  readonly cpuSeconds: ReadonlyMap<string, number>;
  readonly writtenBytes: ReadonlyMap<string, number>;
};

export type ExampleWindow = {
  readonly seconds: number;
  /** Chunks with data. */
  readonly chunks: number;
  readonly cpuSeconds: ReadonlyMap<string, number>;
  /** Null when it is not known of some process. */
  readonly writtenBytes: number | null;
  /** Null: there were no two looks for it. */
  readonly middleChunksPerSecond: number | null;
};

/** All chunks of a load, with the end of each stream. */
export function messagesOf({ workers, streams, chunks }: ExampleLoad): number {
  return workers * streams * (chunks + 1);
}

/** Keeps the looks at both ends of a load and of its middle half. */
export class ExampleLooks {
  readonly #load: ExampleLoad;
  #first: ExampleLook | null = null;
  #last: ExampleLook | null = null;
  readonly #middle: { begin: ExampleLook | null; end: ExampleLook | null } = { begin: null, end: null };

  constructor(load: ExampleLoad) {
    this.#load = load;
  }

  add(look: ExampleLook): void {
    this.#first ??= look;
    this.#last = look;
    const part = look.folded / messagesOf(this.#load);
    if (part >= MIDDLE.begin) this.#middle.begin ??= look;
    if (part >= MIDDLE.end) this.#middle.end ??= look;
  }

  /** Null: there were no two looks. */
  window(processes: number): ExampleWindow | null {
    const [begin, end] = [this.#first, this.#last];
    if (begin === null || end === null || end.atNs <= begin.atNs) return null;
    const written = difference(end.writtenBytes, begin.writtenBytes);
    return {
      seconds: secondsBetween(begin, end),
      chunks: this.#chunksBetween(begin, end),
      cpuSeconds: difference(end.cpuSeconds, begin.cpuSeconds),
      writtenBytes: written.size < processes ? null : total(written),
      middleChunksPerSecond: this.#middleRate(),
    };
  }

  #middleRate(): number | null {
    const { begin, end } = this.#middle;
    if (begin === null || end === null || end.atNs <= begin.atNs) return null;
    return this.#chunksBetween(begin, end) / secondsBetween(begin, end);
  }

  /** Without the ends of streams. */
  #chunksBetween(begin: ExampleLook, end: ExampleLook): number {
    const { chunks } = this.#load;
    return ((end.folded - begin.folded) * chunks) / (chunks + 1);
  }
}

function secondsBetween(begin: ExampleLook, end: ExampleLook): number {
  return (end.atNs - begin.atNs) / 1e9;
}

/** `rssBytes`: by process, the most of all looks. */
export function exampleMeasurements(
  { seconds, chunks, cpuSeconds, writtenBytes, middleChunksPerSecond }: ExampleWindow,
  rssBytes: ReadonlyMap<string, number>,
): [Measurement, ...Measurement[]] {
  const bytes = chunks * EXAMPLE_CHUNK_BYTES;
  const cpu = [...cpuSeconds, [ALL, total(cpuSeconds)] as const];
  return [
    higher(RATE_METRIC, '1/s', chunks / seconds),
    higher('bytes_per_s', 'B/s', bytes / seconds),
    { metric: 'middle_chunks_per_s', unit: '1/s', better: 'none', value: middleChunksPerSecond },
    ...cpu.map(([process, value]) => lower(CPU_METRIC, 's', (value / chunks) * 1e6, process)),
    lower('written_bytes_per_payload_byte', 'B/B', writtenBytes === null ? null : writtenBytes / bytes),
    ...Array.from(rssBytes, ([process, value]) => lower('rss_bytes', 'B', value, process)),
  ];
}
