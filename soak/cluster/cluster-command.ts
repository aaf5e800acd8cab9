/** `stream-sum cluster`: builds the programs of a cluster, and runs one to play with. */

import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import type { Command } from 'commander';
import { countWithin, makeCommand, oneOf, valueOption } from '../../src/component/flags.ts';
import { EXIT, UsageError } from '../../src/core/errors.ts';
import { makeUsableFolder } from '../../src/core/folder.ts';
import { onInterrupt } from '../../src/fleet/interrupt.ts';
import { readBrokerKeys } from '../../src/journal/gazette/auth.ts';
import { PARTITIONS_MAX } from '../../src/journal/journals.ts';
import { asRootOfNamespaces } from './as-root.ts';
import { buildBinaries, findBinaries } from './binaries.ts';
import { Cluster } from './cluster.ts';
import type { Fragments } from './programs.ts';

const MEMBERS_MAX = 50;

type UpFlags = {
  readonly brokers: number;
  readonly replication: number;
  readonly etcd: number;
  readonly partitions: number;
  readonly bin?: string;
  readonly data?: string;
  readonly brokerAuthKey?: string;
  readonly fragments: Fragments;
};

export function clusterCommand(): Command {
  const command = makeCommand('cluster', 'Build and run a cluster of Gazette brokers and etcd on this machine.');
  const build = makeCommand('build', 'Build etcd and Gazette with the Go toolchain into the cache folder.')
    .summary('build etcd and Gazette with the Go toolchain into the cache folder')
    .option('--example', "also build Gazette's own example, which bench measures; it needs a C compiler and libraries")
    .action(({ example = false }: { readonly example?: boolean }) => {
      buildBinaries(print, { withExample: example });
    });
  const up = makeCommand('up', 'Run a cluster until Ctrl-C.')
    .summary('run a cluster until Ctrl-C')
    .addOption(valueOption('--brokers <n>', 'brokers of the cluster', countWithin(1, MEMBERS_MAX), '4'))
    .addOption(
      valueOption('--replication <n>', 'brokers that acknowledge each append', countWithin(1, MEMBERS_MAX), '3'),
    )
    .addOption(valueOption('--etcd <n>', 'members of etcd', countWithin(1, MEMBERS_MAX), '3'))
    .addOption(valueOption('--partitions <n>', 'chunk journals', countWithin(1, PARTITIONS_MAX), '8'))
    .option('--bin <folder>', 'folder with the programs etcd and gazette (default: the cache folder, else the PATH)')
    .addOption(valueOption('--fragments <file|s3>', 'where fragments are kept', oneOf(['file', 's3']), 'file'))
    .option('--broker-auth-key <file>', 'keys in base64: the brokers ask for a token that is signed with the first')
    .option('--data <folder>', 'keep data and logs there (default: a temporary folder, removed at the end)')
    .action(async (flags: UpFlags) => {
      process.exitCode = await runUp(flags);
    });
  return command.addCommand(build).addCommand(up);
}

async function runUp(flags: UpFlags): Promise<number> {
  const { brokers, replication } = flags;
  if (replication > brokers) {
    throw new UsageError(`--replication ${replication}: there are only ${brokers} brokers to replicate to`);
  }
  const { brokerAuthKey } = flags;
  const brokerKeys = brokerAuthKey === undefined ? null : readBrokerKeys(brokerAuthKey, '--broker-auth-key');
  const binaries = findBinaries(flags.bin ?? null, { extras: flags.fragments === 's3' ? ['gofakes3'] : [] });
  if (process.getuid?.() !== 0) return await asRootOfNamespaces(sayHowToReach);
  const given = flags.data === undefined ? null : resolve(flags.data);
  if (given !== null) makeUsableFolder('--data', given);
  const folder = given ?? mkdtempSync(join(tmpdir(), 'stream-sum-cluster-'));
  const ending = new AbortController();
  const ended = once(ending.signal, 'abort').then(() => Number(ending.signal.reason));
  const stopListening = onInterrupt(() => ending.abort(EXIT.holds));
  try {
    const starting = Cluster.start({
      ...flags,
      binaries,
      brokerKeys,
      folder,
      onEnded: (line) => {
        print(line);
        ending.abort(EXIT.internal);
      },
    });
    const started = await Promise.race([starting, ended]);
    if (typeof started === 'number') {
      await starting.then((cluster) => cluster.stop()).catch(() => {});
      return started;
    }
    for (const line of readyLines(started, flags, folder)) print(line);
    const exitCode = await ended;
    await started.stop();
    return exitCode;
  } finally {
    stopListening();
    if (given === null) rmSync(folder, { recursive: true, force: true });
  }
}

function readyLines(cluster: Cluster, { brokers, replication, etcd, partitions }: UpFlags, folder: string): string[] {
  return [
    ...cluster.etcdAddresses.map((address) => `etcd     ${address}`),
    ...cluster.brokerAddresses.map((address) => `journals ${address}`),
    `ready: ${brokers} brokers, replication ${replication}, ${etcd} etcd, ${partitions} partitions, ` +
      `data in ${folder}; Ctrl-C ends it`,
  ];
}

function sayHowToReach(pid: number): void {
  print(`to reach it: nsenter --target ${pid} --user --preserve-credentials --net COMMAND`);
}

function print(line: string): void {
  process.stdout.write(`${line}\n`);
}
