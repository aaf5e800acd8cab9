/** The cluster of a soak: one that the soak runs itself, or one that already runs and is not hurt. */

import { join, resolve } from 'node:path';
import { inTime, systemClock } from '../../src/core/clock.ts';
import { UsageError } from '../../src/core/errors.ts';
import { makeFoldersSync } from '../../src/core/folder.ts';
import { type GazetteAddress, parseEtcdAddress, parseGazetteAddress } from '../../src/journal/gazette/address.ts';
import { type BrokerKeys, readBrokerKeys } from '../../src/journal/gazette/auth.ts';
import { GazetteJournals } from '../../src/journal/gazette/gazette-journals.ts';
import { Rpc, importLibrary } from '../../src/journal/gazette/rpc.ts';
import type { Journals } from '../../src/journal/journals.ts';
import { findBinaries } from './binaries.ts';
import { clientFlags } from './client-flags.ts';
import { Cluster } from './cluster.ts';
import { checkDisks } from './disks.ts';
import type { Fragments } from './programs.ts';
import { hasNft } from './network-cut.ts';

/** How long a running cluster may take to answer. */
const ANSWER_MS = 20_000;

/**
 * Arguments before a summer that hide the folders of the other summers from it, as if each had its own machine: empty
 * file systems lie over them. The process keeps its id.
 */
const HIDE_OTHERS = `
  own=
  last=
  for word in "$@"; do
    if [ "$last" = --data ]; then own=$word; fi
    last=$word
  done
  for folder in "$(dirname "$own")"/summer-*; do
    if [ -d "$folder" ] && [ "$folder" != "$own" ]; then mount -t tmpfs none "$folder" || exit 1; fi
  done
  exec "$@"
`;
const ON_ITS_OWN_MACHINE = `unshare --mount --propagation private -- sh -c`.split(' ').concat(HIDE_OTHERS, 'sh');

export type SoakClusterAsked = {
  readonly cluster: {
    readonly brokers: number;
    readonly replication: number;
    readonly etcd: number;
    readonly place: { readonly journals: string; readonly etcd: string } | null;
    readonly bin: string | null;
    readonly brokerAuthKey: string | null;
    readonly fragments: Fragments;
  };
  readonly partitions: number;
  readonly dataFolder: string;
  readonly logsFolder: string;
  readonly clients: readonly string[];
  readonly isContinued: boolean;
  readonly isCut: boolean;
  readonly isPowerCut: boolean;
  readonly say: (line: string) => void;
};

export type SoakCluster = {
  readonly address: string;
  /** Null: the cluster does not belong to this run. */
  readonly lab: Cluster | null;
  flagsOf(name: string): Readonly<Record<string, string>>;
  withinOf(name: string): readonly string[];
  connect(): Journals;
  stop(): Promise<void>;
};

export async function startSoakCluster(asked: SoakClusterAsked): Promise<SoakCluster> {
  const { place } = asked.cluster;
  return place === null ? await startCluster(asked) : await findCluster(asked, place);
}

async function startCluster(asked: SoakClusterAsked): Promise<SoakCluster> {
  const { cluster: of, partitions, dataFolder, logsFolder, clients, say } = asked;
  const binaries = findBinaries(of.bin, { extras: of.fragments === 's3' ? ['gofakes3'] : [] });
  if (process.getuid?.() !== 0) {
    throw new UsageError(
      'a soak that starts a cluster needs root for its network: run it as root, or name a cluster by --journals',
    );
  }
  if (asked.isCut && !hasNft()) {
    throw new UsageError(
      'faults of the network need the program nft (nftables): install it, or ask for other --faults',
    );
  }
  const folder = join(dataFolder, 'cluster');
  makeFoldersSync(folder);
  if (asked.isPowerCut) await checkDisks(folder);
  say(`cluster: ${of.brokers} brokers, replication ${of.replication}, ${of.etcd} etcd`);
  const cluster = await Cluster.start({
    ...of,
    brokerKeys: keysOf(of),
    binaries,
    folder,
    logsFolder,
    partitions,
    clients,
    isKept: true,
    hasDisks: asked.isPowerCut,
    onEnded: (line) => say(`${line}; it is started again`),
  });
  return {
    address: cluster.brokerAddresses[0] ?? '',
    lab: cluster,
    flagsOf(name) {
      return { ...clientFlags(cluster, Math.max(0, clients.indexOf(name))), ...keyFlag(of) };
    },
    withinOf: (name) => [...cluster.inside(name), ...(name.startsWith('summer-') ? ON_ITS_OWN_MACHINE : [])],
    connect: () => cluster.connectAny(),
    stop: () => cluster.stop(),
  };
}

/** Checks that the journals are there, and that nobody but an earlier run that this one continues has used them. */
async function findCluster(
  { cluster: of, partitions, isContinued }: SoakClusterAsked,
  { journals: text, etcd: etcdText }: { readonly journals: string; readonly etcd: string },
): Promise<SoakCluster> {
  const library = await importLibrary();
  const address: GazetteAddress = parseGazetteAddress(text, '--journals');
  const etcd = parseEtcdAddress(etcdText, '--etcd');
  const brokerKey = keysOf(of)?.signing ?? null;
  const connect = (): Journals =>
    new GazetteJournals(new Rpc(library, { brokers: address.brokers, etcd, brokerKey }), {
      ...address,
      clock: systemClock,
    });
  const journals = connect();
  try {
    const found = await inTime(journals.list(), {
      clock: systemClock,
      limitMs: ANSWER_MS,
      late: () => new UsageError(`--journals ${text} --etcd ${etcdText}: no answer within ${ANSWER_MS / 1e3} s`),
    });
    if (found.partitions !== partitions) {
      throw new UsageError(`--partitions ${partitions}: must be the cluster's ${found.partitions} journals of chunks`);
    }
    const used = found.journals.find(({ head }) => head > 0);
    if (used !== undefined && !isContinued) {
      throw new UsageError(
        `--journals ${text}: ${used.name} has ${used.head} bytes of an earlier run; name another prefix, ` +
          'whose journals are new: gazette+http://HOST:PORT/PREFIX',
      );
    }
  } finally {
    journals.close();
  }
  const flags = { journals: text, etcd: etcdText, ...keyFlag(of) };
  return {
    address: text,
    lab: null,
    flagsOf: () => flags,
    withinOf: () => [],
    connect,
    stop: async () => {},
  };
}

type WithKey = Pick<SoakClusterAsked['cluster'], 'brokerAuthKey'>;

function keysOf({ brokerAuthKey }: WithKey): BrokerKeys | null {
  return brokerAuthKey === null ? null : readBrokerKeys(brokerAuthKey, '--broker-auth-key');
}

function keyFlag({ brokerAuthKey }: WithKey): Readonly<Record<string, string>> {
  return brokerAuthKey === null ? {} : { 'broker-auth-key': resolve(brokerAuthKey) };
}
