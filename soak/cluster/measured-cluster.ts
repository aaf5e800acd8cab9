/** Clusters whose pipelines are measured. Each belongs to one pipeline, and nothing of it is hurt by chance. */

import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { makeFoldersSync } from '../../src/core/folder.ts';
import type { ClusterPlace } from '../../src/fleet/component-specs.ts';
import { importLibrary } from '../../src/journal/gazette/rpc.ts';
import { findBinaries, findExample } from './binaries.ts';
import { clientFlags } from './client-flags.ts';
import { Cluster, type ClusterOptions } from './cluster.ts';
import { type ExampleAsked, RunningExample } from './running-example.ts';

/** The broker that the first client asks. */
const KILLED = 'broker-1';
const DIGEST_DIGITS = 16;

type Asked = Pick<ClusterOptions, 'partitions' | 'onEnded'> & {
  readonly shape: Pick<ClusterOptions, 'brokers' | 'replication' | 'etcd'>;
  readonly dataFolder: string;
  readonly logsFolder: string;
  readonly clients: readonly string[];
};

export type MeasuredCluster = ClusterPlace & {
  readonly members: Cluster['members'];
  /** Kills a broker by SIGKILL, and starts it again at once. */
  killBroker(): Promise<void>;
  stop(): Promise<void>;
};

export type GazetteEngine = {
  readonly name: 'gazette';
  /** By program, the begin of the SHA-256 of its file. */
  readonly programs: Readonly<Record<string, string>>;
  /** Gazette's own example, or why it is not measured. */
  readonly example: GazetteExample | { readonly missing: string };
  start(asked: Asked): Promise<MeasuredCluster>;
};

export type GazetteExample = {
  readonly name: 'gazette-example';
  start(asked: ExampleAsked): Promise<RunningExample>;
};

/** Throws a UsageError where a program or a package is missing. */
export async function findGazetteEngine(bin: string | null): Promise<GazetteEngine> {
  const binaries = findBinaries(bin);
  await importLibrary();
  const { etcd, gazette } = binaries;
  const example = findExample(bin);
  const isHere = !('missing' in example);
  const programs = {
    etcd: await digestOf(etcd),
    gazette: await digestOf(gazette),
    ...(isHere
      ? { exampleChunker: await digestOf(example.chunker), exampleSummer: await digestOf(example.summer) }
      : {}),
  };
  return {
    name: 'gazette',
    programs,
    example: isHere
      ? { name: 'gazette-example', start: (asked) => RunningExample.start({ ...binaries, example }, asked) }
      : example,
    start: async (asked) => await startCluster(binaries, asked),
  };
}

async function startCluster(
  binaries: ClusterOptions['binaries'],
  { shape, dataFolder, clients, ...asked }: Asked,
): Promise<MeasuredCluster> {
  const folder = join(dataFolder, 'cluster');
  makeFoldersSync(folder);
  const cluster = await Cluster.start({ ...asked, ...shape, binaries, folder, clients });
  return {
    members: cluster.members,
    flagsOf: (name) => clientFlags(cluster, clients.indexOf(name)),
    withinOf: (name) => cluster.inside(name),
    async killBroker() {
      await cluster.killMember(KILLED);
      cluster.startMember(KILLED);
    },
    stop: () => cluster.stop(),
  };
}

async function digestOf(file: string): Promise<string> {
  const hash = createHash('sha256');
  await pipeline(createReadStream(file), hash);
  return hash.digest('hex').slice(0, DIGEST_DIGITS);
}
