/** The processes of a pipeline and the arguments of each, from the options alone. */

import { join } from 'node:path';
import { type Range, rangeText } from '../core/units.ts';
import { type Component, PROTOCOL_DESCRIPTOR } from '../component/protocol.ts';
import type { ComponentSpec } from './component-process.ts';

/** The parameters of the processes: how many there are, and how much data flows through them. */
export type PipelineOptions = {
  readonly seed: number;
  readonly chunkers: number;
  readonly summers: number;
  readonly partitions: number;
  /** Files open at once in each chunker. */
  readonly files: number;
  /** Data chunks of a file. */
  readonly chunks: Range;
  readonly chunkBytes: Range;
  /** Chunks a second of all chunkers together. */
  readonly rate: number | 'max';
  readonly batchBytes: number;
  readonly retentionBytes: number;
  readonly slaMs: number;
};

/** Contiguous partitions for each summer, in parts as equal as possible. */
export function partitionsOfSummers(partitions: number, summers: number): number[][] {
  return Array.from({ length: summers }, (_, summer) => {
    const first = Math.floor((summer * partitions) / summers);
    const next = Math.floor(((summer + 1) * partitions) / summers);
    return Array.from({ length: next - first }, (__, index) => first + index);
  });
}

/** Whole chunks a second for each chunker; they add up to the rate. */
export function ratesOfChunkers(rate: number | 'max', chunkers: number): (number | 'max')[] {
  return Array.from({ length: chunkers }, (_, chunker) =>
    rate === 'max' ? 'max' : Math.floor((rate * (chunker + 1)) / chunkers) - Math.floor((rate * chunker) / chunkers),
  );
}

/** `--name value` for each pair, after the component's name. */
function argvOf(component: Component, flags: Readonly<Record<string, string | number>>): string[] {
  const argv = Object.entries(flags).flatMap(([name, value]) => [`--${name}`, String(value)]);
  return [component, ...argv, '--supervised', String(PROTOCOL_DESCRIPTOR)];
}

/** The same summer with another folder; it can take over from the first one. */
export function spareSpec(
  { argv, ...summer }: ComponentSpec,
  { name, dataFolder }: { readonly name: string; readonly dataFolder: string },
): ComponentSpec {
  const folderAt = argv.indexOf('--data') + 1;
  return { ...summer, name, argv: argv.toSpliced(folderAt, 1, join(dataFolder, name)) };
}

/** The journals of a cluster, in the place of the pipeline's own broker. */
export type ClusterPlace = {
  /** The flags by which the process of this name finds the journals. */
  flagsOf(name: string): Readonly<Record<string, string>>;
  /** The words that run its program in the cluster's network. */
  withinOf(name: string): readonly string[];
};

/**
 * Of clients of a cluster. HTTP/2 and gRPC make buffers of each message. V8 counts them, and collects its small old
 * generation ten times a second because of them, unless it begins with more (D-ENGINE-4).
 */
const CLIENT_NODE_FLAGS: readonly string[] = ['--initial-old-space-size=64'];

/** The broker first, then the summers, then the chunkers: the order in which they are started. */
export function componentSpecs(
  options: PipelineOptions,
  at: {
    readonly dataFolder: string;
    /** Where the broker listens. */
    readonly endpoint: string;
    /** Where the client of that name dials, if a relay stands before the broker; absent: at the broker. */
    readonly connectOf?: (name: string) => string;
    /** Absent or null: there is a broker. */
    readonly cluster?: ClusterPlace | null;
  },
): ComponentSpec[] {
  const { endpoint, connectOf = () => endpoint, cluster = null } = at;
  const place = (name: string): Readonly<Record<string, string>> =>
    cluster?.flagsOf(name) ?? { connect: connectOf(name) };
  const within = (name: string): Pick<ComponentSpec, 'within' | 'nodeFlags'> =>
    cluster === null ? {} : { within: cluster.withinOf(name), nodeFlags: CLIENT_NODE_FLAGS };
  const folder = (name: string): string => join(at.dataFolder, name);
  const broker: ComponentSpec = {
    name: 'broker',
    component: 'broker',
    partitions: [],
    argv: argvOf('broker', {
      data: folder('broker'),
      listen: endpoint,
      partitions: options.partitions,
      retention: options.retentionBytes,
    }),
  };
  const summers = partitionsOfSummers(options.partitions, options.summers).map((partitions, summer): ComponentSpec => {
    const name = `summer-${summer}`;
    const argv = argvOf('summer', { data: folder(name), ...place(name), partitions: partitions.join(',') });
    return { name, component: 'summer', partitions, argv, ...within(name) };
  });
  const chunkers = ratesOfChunkers(options.rate, options.chunkers).map((rate, chunker): ComponentSpec => {
    const name = `chunker-${chunker}`;
    const argv = argvOf('chunker', {
      data: folder(name),
      ...place(name),
      number: chunker,
      seed: options.seed,
      files: options.files,
      chunks: rangeText(options.chunks),
      'chunk-bytes': rangeText(options.chunkBytes),
      rate,
      'batch-bytes': options.batchBytes,
      sla: `${options.slaMs}ms`,
    });
    return { name, component: 'chunker', partitions: [], argv, ...within(name) };
  });
  return cluster === null ? [broker, ...summers, ...chunkers] : [...summers, ...chunkers];
}
