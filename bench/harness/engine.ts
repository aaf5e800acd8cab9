/**
 * Engines of journals besides the embedded broker, as a suite gets them. Nothing in bench knows how a cluster is
 * started: the composition of the command hands that in.
 */

import type { ClusterPlace } from '../../src/fleet/component-specs.ts';

export type ClusterShape = {
  readonly brokers: number;
  /** Brokers that acknowledge each append. */
  readonly replication: number;
  /** Members of etcd. */
  readonly etcd: number;
};

/** The clusters that are measured. */
export const CLUSTER_SHAPES: readonly ClusterShape[] = [
  { brokers: 1, replication: 1, etcd: 1 },
  { brokers: 3, replication: 3, etcd: 3 },
];

export type ClusterAsked = {
  readonly shape: ClusterShape;
  readonly partitions: number;
  readonly dataFolder: string;
  readonly logsFolder: string;
  /** Names of the processes that use its journals. */
  readonly clients: readonly string[];
  /** A member has ended, and nobody has ended it. */
  readonly onEnded: (line: string) => void;
};

/** A cluster that runs for one pipeline. */
export type StartedCluster = ClusterPlace & {
  /** Its members; the process id is null while a member is down. */
  readonly members: readonly { readonly name: string; readonly pid: number | null }[];
  /** Kills a broker by SIGKILL, and starts it again at once. Resolves when its process runs. */
  killBroker(): Promise<void>;
  stop(): Promise<void>;
};

/** The `program` among the parameters of the example's rows, also where it is left out. */
export const EXAMPLE = 'gazette-example';

/** What the example's chunker publishes: each worker this many streams of this many chunks, and an end for each. */
export type ExampleLoad = { readonly workers: number; readonly streams: number; readonly chunks: number };

export type ExampleAsked = Pick<ClusterAsked, 'shape' | 'dataFolder' | 'logsFolder' | 'onEnded'> & {
  readonly load: ExampleLoad;
};

/** The example on a cluster that runs for it alone. */
export type StartedExample = {
  /** Its processes and the members of the cluster; the process id is null while one is down. */
  readonly processes: readonly { readonly name: string; readonly pid: number | null }[];
  /** Chunks and ends of streams that its summer has folded in committed transactions. */
  folded(): Promise<number>;
  /** Resolves when its chunker has ended: null when every sum was verified, else what happened. Never rejects. */
  readonly ended: Promise<string | null>;
  stop(): Promise<void>;
};

/** The same pipeline as the engine's own authors wrote it, measured beside ours. */
export type Example = {
  /** The `program` among the parameters of its rows. */
  readonly name: typeof EXAMPLE;
  /** Resolves when its chunker runs. */
  start(asked: ExampleAsked): Promise<StartedExample>;
};

export type ClusterEngine = {
  /** The `engine` among the parameters of its rows. */
  readonly name: 'gazette';
  /** By program, the begin of the SHA-256 of its file. */
  readonly programs: Readonly<Record<string, string>>;
  /** Or why there are no rows of it. */
  readonly example: Example | { readonly missing: string };
  /** Resolves when every journal accepts appends. */
  start(asked: ClusterAsked): Promise<StartedCluster>;
};
