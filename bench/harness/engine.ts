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

export type ClusterEngine = {
  /** The `engine` among the parameters of its rows. */
  readonly name: 'gazette';
  /** By program, the begin of the SHA-256 of its file. */
  readonly programs: Readonly<Record<string, string>>;
  /** Resolves when every journal accepts appends. */
  start(asked: ClusterAsked): Promise<StartedCluster>;
};
