/**
 * The journals of a soak that does not have its own broker: a cluster, which the soak runs itself or which belongs to
 * somebody else.
 */

import type { ClusterPlace } from '../../src/fleet/component-specs.ts';
import { formatCount } from '../../src/core/units.ts';
import { type EngineName, type EnginePromises, PROMISES } from '../../src/journal/promises.ts';
import type { BatchReader } from '../guarantee/checkers/batch-reader.ts';
import type { Audit, Connect } from './audit/end-audit.ts';
import type { Lab } from './faults/cluster/lab.ts';
import type { ClusterOptions, SoakOptions } from './soak-options.ts';

/** A running cluster. */
export type SoakEngine = ClusterPlace & {
  /** The name of the journals in messages. */
  readonly address: string;
  readonly connect: Connect;
  readonly audit: Audit;
  /** Null: the cluster does not belong to this run, and its members are not hurt. */
  readonly lab: Lab | null;
  stop(): Promise<void>;
};

/** Starts a cluster, or finds the named one. Throws a UsageError that says what is missing. */
export type StartEngine = (asked: {
  readonly cluster: ClusterOptions;
  readonly partitions: number;
  readonly dataFolder: string;
  readonly logsFolder: string;
  /** Names of the processes that get their own place in its network. */
  readonly clients: readonly string[];
  /** Whether the run goes on from a data folder that may have used the journals before. */
  readonly isContinued: boolean;
  /** Whether its network will be cut. */
  readonly isCut: boolean;
  /** Whether the power of its members will be cut. */
  readonly isPowerCut: boolean;
  /** Receives lines about its members. */
  readonly say: (line: string) => void;
}) => Promise<SoakEngine>;

export function engineName({ cluster }: Pick<SoakOptions, 'cluster'>): EngineName {
  return cluster === undefined ? 'embedded' : 'gazette';
}

export function promisesOf(options: Pick<SoakOptions, 'cluster'>): EnginePromises {
  return PROMISES[engineName(options)];
}

/** The journals of a run in a few words: `1 broker`, `4 brokers (3 replicas), 3 etcd`. */
export function engineText({ cluster, transport }: Pick<SoakOptions, 'cluster' | 'transport'>): string {
  if (cluster === undefined) return `1 broker, ${transport}`;
  if (cluster.place !== null) return `Gazette at ${cluster.place.journals}`;
  const { brokers, replication, etcd } = cluster;
  return `Gazette: ${brokers} brokers, ${replication} replicas, ${etcd} etcd`;
}

/**
 * Lines that a verdict on a cluster needs in addition: by which clock `late` was judged, and what readers have skipped.
 * Empty when everything is as the embedded engine promises.
 */
export function judgedLines(
  options: Pick<SoakOptions, 'cluster'>,
  { repeatedRecords, holeBytes }: Pick<BatchReader, 'repeatedRecords' | 'holeBytes'>,
): string[] {
  const { stamps, mayRepeat } = promisesOf(options);
  const late = 'late by the clock of each reader, when it knew a sum to be durable';
  const repeated = `${formatCount(repeatedRecords)} records stood twice in the journals, as may be, and were skipped`;
  const holes = `${formatCount(holeBytes)} bytes of the journals were on no broker, and readers passed over them`;
  return [...(stamps === 'receipt' ? [late] : []), ...(mayRepeat ? [repeated] : []), ...(holeBytes > 0 ? [holes] : [])];
}
