/** The tasks that watch a whole pipeline: throughput, latency, recovery, growth. Each round has a separate pipeline. */

import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { assert } from '../../src/core/assert.ts';
import { systemClock } from '../../src/core/clock.ts';
import { median } from '../../src/measure/statistics.ts';
import type { PipelineOptions } from '../../src/fleet/component-specs.ts';
import type { ClusterShape } from '../harness/engine.ts';
import { type FlowDurations, type GrowthVary, SCALES } from '../harness/scales.ts';
import type { Measurement, Outcome, Task } from '../harness/task.ts';
import { ALL, coresUsed, CPU_METRIC, isPossible, RATE_METRIC } from '../possible.ts';
import type { SuiteContext } from '../harness/suite-context.ts';
import {
  distrust,
  flowMeasurements,
  latencyMeasurements,
  latencyStages,
  steadinessRemarks,
  unjudged,
} from './measurements.ts';
import type { FlowWindow } from './flow-window.ts';
import { Pipeline } from './pipeline.ts';
import { CLUSTER_LOAD, GROWTH_PARAMETERS, growthLoad, RECOVERY_RATE, scheduledLoad, loadOf } from './loads.ts';

export class FlowTasks {
  readonly #context: SuiteContext;
  readonly #shape: ClusterShape | null;
  #runs = 0;
  /** Chunks a second with chunks of 32 B, as last measured. */
  #maximum: number | null = null;

  /** `shape`: of the cluster that each pipeline has; null: the embedded broker. */
  constructor(context: SuiteContext, shape: ClusterShape | null = null) {
    this.#context = context;
    this.#shape = shape;
  }

  /** Runs a pipeline from its start to its drain, in which every sum must be verified. */
  async #run<T>(options: PipelineOptions, watch: (pipeline: Pipeline) => Promise<T>): Promise<T> {
    const { dataFolder, logsFolder, launch, engine = null, signal } = this.#context;
    const shape = this.#shape;
    this.#runs += 1;
    const name = `pipeline-${shape === null ? '' : `r${shape.replication}-`}${this.#runs}`;
    const load = shape === null ? options : { ...options, ...CLUSTER_LOAD };
    const pipeline = await Pipeline.start(load, {
      dataFolder: join(dataFolder, name),
      logsFolder: join(logsFolder, name),
      launch,
      clock: systemClock,
      startCluster: engine === null || shape === null ? null : (asked) => engine.start({ ...asked, shape }),
      signal,
    });
    let result: T;
    try {
      result = await watch(pipeline);
    } catch (error) {
      await pipeline.abandon();
      throw error;
    }
    await pipeline.end();
    return result;
  }

  get #durations(): FlowDurations {
    const { pipeline, cluster } = SCALES[this.#context.scale];
    return this.#shape === null ? pipeline.durations : cluster;
  }

  #task(benchmark: string, parameters: Task['parameters'], measure: () => Promise<Outcome>): Task {
    const { engine = null } = this.#context;
    const place = engine === null || this.#shape === null ? {} : placeParameters(engine.name, this.#shape);
    return flowTask(benchmark, { ...parameters, ...place }, measure);
  }

  /**
   * Measures a saturated pipeline, once its journal reuses its pages. With many open files it takes a while until they
   * end.
   */
  async #saturate(options: PipelineOptions): Promise<Outcome> {
    const { warmUp, window, warmUpOfFile } = this.#durations;
    const msMax = warmUp.msMax + options.files * warmUpOfFile;
    return this.#run(options, async (pipeline) => {
      const warmedUp = await pipeline.warmUp({ ...warmUp, msMax });
      const seen = await pipeline.window(window);
      return {
        measurements: possible(flowMeasurements(seen), seen),
        latencies: latencyStages(seen).filter(({ stage }) => stage !== 'schedule-lag'),
        remarks: steadinessRemarks(warmedUp, seen.steadiness),
      };
    });
  }

  throughput(chunkBytes: number): Task {
    const { seed } = this.#context;
    const workload = loadOf(seed, chunkBytes);
    return this.#task('throughput', { chunk_bytes: chunkBytes, batch_bytes: workload.batchBytes }, async () => {
      const outcome = await this.#saturate(workload);
      if (chunkBytes === 32) this.#maximum = outcome.measurements[0].value;
      return outcome;
    });
  }

  growth(vary: GrowthVary, count: number): Task {
    const { seed } = this.#context;
    return this.#task('growth', { [vary]: count, ...GROWTH_PARAMETERS }, () =>
      this.#saturate(growthLoad(seed, { [vary]: count })),
    );
  }

  /**
   * `half`: of the maximum that was measured last, or is measured now. A faster build is then offered more, so none of
   * these figures is judged.
   */
  latency(rate: number | 'half'): Task {
    const { seed } = this.#context;
    return this.#task('latency', { rate, chunk_bytes: 32 }, async () => {
      if (rate === 'half') this.#maximum ??= (await this.#saturate(loadOf(seed, 32))).measurements[0].value;
      const offered = rate === 'half' ? Math.max(1, Math.floor((this.#maximum ?? 0) / 2)) : rate;
      const { scheduledWarmUp, latencyWindow } = this.#durations;
      const seen = await this.#run(scheduledLoad(seed, offered), async (pipeline) => {
        await pipeline.warmUp(scheduledWarmUp);
        return pipeline.window(latencyWindow);
      });
      const reason = distrust(seen.scheduleLag.percentileNs(99), seen.sum.percentileNs(99, seen.censoredSums));
      const [first, ...latencies] = latencyMeasurements(seen);
      const chunks = { metric: 'offered_chunks_per_s', unit: '1/s', better: 'higher', value: offered } as const;
      const found = [first, ...latencies, chunks, ...possible(flowMeasurements(seen), seen)] as const;
      return {
        measurements: rate === 'half' ? unjudged(found) : found,
        latencies: latencyStages(seen),
        remarks: reason === null ? [] : [reason],
      };
    });
  }

  /** Kills one process again and again, each time when it has recovered. */
  recovery(component: 'summer' | 'broker'): Task {
    const { seed } = this.#context;
    const { kills, betweenKills, scheduledWarmUp } = this.#durations;
    return this.#task('recovery', { fault: `kill-${component}`, rate: RECOVERY_RATE, chunk_bytes: 32 }, async () => {
      const seconds = await this.#run(scheduledLoad(seed, RECOVERY_RATE), async (pipeline) => {
        await pipeline.warmUp(scheduledWarmUp);
        const taken: number[] = [];
        for (let kill = 0; kill < kills; kill += 1) {
          await pipeline.window(betweenKills);
          taken.push(await pipeline.killAndRecover(component === 'summer' ? 'summer-0' : 'broker'));
        }
        return taken;
      });
      return {
        measurements: [
          { metric: 'recovery_median_s', unit: 's', better: 'lower', value: median(seconds) },
          { metric: 'recovery_max_s', unit: 's', better: 'lower', value: Math.max(...seconds) },
        ],
      };
    });
  }
}

/** The same figures. Throws when they need more CPU time than this machine has, which is a bug of the measurement. */
export function possible<T extends readonly Measurement[]>(
  measurements: T,
  { seconds, cpuSeconds }: Pick<FlowWindow, 'seconds' | 'cpuSeconds'>,
  cores: number = availableParallelism(),
): T {
  const valueOf = (metric: string, process?: string): number | null =>
    measurements.find((one) => one.metric === metric && one.process === process)?.value ?? null;
  const used = coresUsed(valueOf(RATE_METRIC), valueOf(CPU_METRIC, ALL));
  // At both ends of a window, the CPU time of each process is known to within one tick.
  const ticks = (2 * cpuSeconds.size * TICK_SECONDS) / seconds;
  assert(isPossible(used, cores + ticks), `${used?.toFixed(2)} CPU-seconds a second on ${cores} cores`);
  return measurements;
}

/** They are part of a row's name, so no row of an engine is ever compared with a row of another. */
export function placeParameters(engine: string, { replication }: ClusterShape): Task['parameters'] {
  return { engine, replication };
}

/** The tick of /proc. */
const TICK_SECONDS = 0.01;

function flowTask(
  benchmark: string,
  parameters: Readonly<Record<string, string | number>>,
  measure: () => Promise<Outcome>,
): Task {
  // It warms up within its turn, and its chunkers check the result at the end of each round, sum by sum.
  return { benchmark, parameters, warmsUp: false, measure, check: () => undefined };
}
