/** The row of the engine's own example, which is measured on the clusters on which our pipelines are measured. */

import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { delay, systemClock } from '../../src/core/clock.ts';
import { OperatingError, interruptedError } from '../../src/core/errors.ts';
import { makeFoldersSync } from '../../src/core/folder.ts';
import { UsageMeter } from '../../src/fleet/usage-meter.ts';
import type { ClusterEngine, ClusterShape, Example, ExampleLoad, StartedExample } from '../harness/engine.ts';
import { SCALES } from '../harness/scales.ts';
import type { SuiteContext } from '../harness/suite-context.ts';
import type { Outcome, Task } from '../harness/task.ts';
import { EXAMPLE_CHUNK_BYTES, ExampleLooks, exampleMeasurements, messagesOf } from './example-window.ts';
import { possible, placeParameters } from './flow-tasks.ts';

/**
 * As in the example's own deployment, whose three chunkers have 4 workers each: here they are workers of one chunker.
 * With fewer workers or shorter streams it is slower, because a worker waits for each sum.
 */
const WORKERS = 12;
const CHUNKS = 1000;

const LOOK_MS = 50;
/** The longest time without progress. The chunker itself ends when a sum is late by 40 s. */
const STALLED_MS_MAX = 60_000;
/** Metrics are counted after the commit, so the last of them may be later than the last sum. */
const COUNTED_MS_MAX = 10_000;

type Place = { readonly context: SuiteContext; readonly engine: ClusterEngine; readonly shape: ClusterShape };

export function exampleTask(example: Example, place: Place): Task {
  const { context, engine, shape } = place;
  const load: ExampleLoad = { workers: WORKERS, streams: SCALES[context.scale].exampleStreams, chunks: CHUNKS };
  const parameters = {
    program: example.name,
    chunk_bytes: EXAMPLE_CHUNK_BYTES,
    ...load,
    ...placeParameters(engine.name, shape),
  };
  let runs = 0;
  const measure = async (): Promise<Outcome> => {
    runs += 1;
    const name = `example-r${shape.replication}-${runs}`;
    const dataFolder = join(context.dataFolder, name);
    makeFoldersSync(dataFolder);
    const trouble = new Trouble(context.signal);
    try {
      const logsFolder = join(context.logsFolder, name);
      const onEnded = (line: string): void => trouble.fail(new OperatingError('ERR_BENCH_PROCESS', line));
      const running = await example.start({ shape, load, dataFolder, logsFolder, onEnded });
      try {
        return { measurements: await measured(running, load, trouble) };
      } finally {
        await running.stop();
      }
    } finally {
      trouble.forget();
      await rm(dataFolder, { recursive: true, force: true });
    }
  };
  // Its chunker checks every sum, and its exit code is checked in each round.
  return { benchmark: 'throughput', parameters, warmsUp: false, measure, check: () => undefined };
}

/** What ends a measurement from outside: a member that has ended, or the user. */
class Trouble {
  readonly #halt = new AbortController();
  readonly #signal: AbortSignal;
  readonly #onAbort = (): void => this.fail(interruptedError());
  #error: Error | null = null;

  constructor(signal: AbortSignal) {
    this.#signal = signal;
    signal.addEventListener('abort', this.#onAbort);
    if (signal.aborted) this.#onAbort();
  }

  fail(error: Error): void {
    this.#error ??= error;
    this.#halt.abort();
  }

  /** Throws once something has failed. */
  async sleep(ms: number): Promise<void> {
    this.check();
    await delay(systemClock, ms, this.#halt.signal);
    this.check();
  }

  check(): void {
    if (this.#error !== null) throw this.#error;
  }

  forget(): void {
    this.#signal.removeEventListener('abort', this.#onAbort);
  }
}

/** Looks at the example until its chunker has ended. Throws unless every sum was verified. */
async function measured(
  running: StartedExample,
  load: ExampleLoad,
  trouble: Trouble,
): Promise<Outcome['measurements']> {
  const seen = new Seen(running, load);
  await seen.look();
  const end: { what?: string | null } = {};
  void running.ended.then((what) => (end.what = what));
  while (end.what === undefined) {
    await trouble.sleep(LOOK_MS);
    await seen.look();
  }
  if (end.what !== null) throw new OperatingError('ERR_BENCH_PROCESS', end.what);
  const deadlineNs = systemClock.nowNs() + COUNTED_MS_MAX * 1e6;
  while ((await seen.look()) < messagesOf(load) && systemClock.nowNs() < deadlineNs) await trouble.sleep(LOOK_MS);
  return seen.measurements();
}

/** What was seen of the example so far. */
class Seen {
  readonly #running: StartedExample;
  readonly #load: ExampleLoad;
  readonly #usage = new UsageMeter();
  readonly #rssBytes = new Map<string, number>();
  readonly #looks: ExampleLooks;
  #folded = 0;
  /** When the count last grew. */
  #grownNs: number = systemClock.nowNs();

  constructor(running: StartedExample, load: ExampleLoad) {
    this.#running = running;
    this.#load = load;
    this.#looks = new ExampleLooks(load);
  }

  /** Resolves to what is folded by now. */
  async look(): Promise<number> {
    const folded = await this.#running.folded();
    const atNs = systemClock.nowNs();
    for (const [name, { rssBytes }] of this.#usage.read(this.#running.processes)) {
      if (rssBytes !== null) this.#rssBytes.set(name, Math.max(rssBytes, this.#rssBytes.get(name) ?? 0));
    }
    const [cpuSeconds, writtenBytes] = [this.#usage.total('cpuSeconds'), this.#usage.total('writtenBytes')];
    this.#looks.add({ atNs, folded, cpuSeconds, writtenBytes });
    if (folded > this.#folded) this.#grownNs = atNs;
    else if (atNs - this.#grownNs > STALLED_MS_MAX * 1e6) {
      throw new OperatingError('ERR_BENCH_PIPELINE', `the example folded nothing in ${STALLED_MS_MAX / 1e3} s`);
    }
    this.#folded = folded;
    return folded;
  }

  measurements(): Outcome['measurements'] {
    const all = messagesOf(this.#load);
    if (this.#folded !== all) {
      const counts = `${this.#folded} chunks and ends of streams instead of ${all}`;
      throw new OperatingError('ERR_BENCH_PIPELINE', `the summer of the example folded ${counts}`);
    }
    const window = this.#looks.window(this.#running.processes.length);
    if (window === null) {
      throw new OperatingError('ERR_BENCH_PIPELINE', 'the example was looked at less than twice');
    }
    return possible(exampleMeasurements(window, this.#rssBytes), window);
  }
}
