/**
 * A cluster of real processes: etcd members, Gazette brokers over one fragment store in the file system, and the
 * journals of the suite. Each member has its own address, data folder and log.
 */

import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync } from 'node:fs';
import { join } from 'node:path';
import { type Clock, delay, systemClock } from '../../src/core/clock.ts';
import { OperatingError } from '../../src/core/errors.ts';
import { makeFoldersSync } from '../../src/core/folder.ts';
import { type GazetteAddress, PREFIX, parseGazetteAddress } from '../../src/journal/gazette/address.ts';
import { GazetteJournals } from '../../src/journal/gazette/gazette-journals.ts';
import { provisionJournals } from '../../src/journal/gazette/provision.ts';
import { type Library, Rpc, importLibrary } from '../../src/journal/gazette/rpc.ts';
import type { Binaries } from './binaries.ts';
import { Laboratory } from './laboratory.ts';

const ETCD_CLIENT_PORT = 2379;
const ETCD_PEER_PORT = 2380;
const BROKER_PORT = 8080;
/** The longest time until the first journals are there: elections, leases, assignments. */
const READY_MS = 120_000;
const RETRY_MS = 200;
/** Numbers of the members in the network: etcd from 11 on, brokers from 101 on. */
const ETCD_FIRST = 11;
const BROKER_FIRST = 101;

export type ClusterOptions = {
  readonly binaries: Binaries;
  /** The folder for the data and logs of all members. */
  readonly folder: string;
  readonly brokers: number;
  readonly replication: number;
  readonly etcd: number;
  readonly partitions: number;
  /** A member has ended, and nobody has ended it. */
  readonly onEnded: (line: string) => void;
  readonly clock?: Clock;
};

type Member = { readonly name: string; readonly number: number; readonly address: string };

type Program = Member & {
  readonly file: string;
  /** The arguments of its start with this number. */
  readonly args: (start: number) => readonly string[];
  readonly folder: string;
};

export class Cluster {
  readonly #options: ClusterOptions;
  readonly #laboratory: Laboratory;
  readonly #library: Library;
  readonly #programs: ReadonlyMap<string, Program>;
  readonly #running = new Map<string, ChildProcess>();
  readonly #starts = new Map<string, number>();

  private constructor(options: ClusterOptions, laboratory: Laboratory, library: Library) {
    this.#options = options;
    this.#laboratory = laboratory;
    this.#library = library;
    this.#programs = programsOf(options, laboratory);
  }

  /** Starts the cluster, and resolves when every journal accepts appends. */
  static async start(options: ClusterOptions): Promise<Cluster> {
    const library = await importLibrary();
    const cluster = new Cluster(options, await Laboratory.open(), library);
    try {
      for (const { number } of cluster.#programs.values()) await cluster.#laboratory.addMember(number);
      for (const name of cluster.#programs.keys()) cluster.startMember(name);
      await cluster.makeJournals(PREFIX, options.partitions);
      return cluster;
    } catch (error) {
      await cluster.stop();
      throw error;
    }
  }

  /** The addresses of the brokers, as the engine takes them. */
  get brokerAddresses(): readonly string[] {
    return this.#addresses('broker-').map((address) => `gazette+http://${address}:${BROKER_PORT}`);
  }

  get etcdAddresses(): readonly string[] {
    return this.#addresses('etcd-').map((address) => `http://${address}:${ETCD_CLIENT_PORT}`);
  }

  /** The address of a broker, as the engine takes it. */
  address(broker = 0): GazetteAddress {
    return parseGazetteAddress(this.brokerAddresses[broker] ?? '', '--journals');
  }

  /** A client of the journals below a prefix, through the broker of this number. */
  connect({
    broker = 0,
    prefix = PREFIX,
  }: {
    readonly broker?: number;
    readonly prefix?: string;
  } = {}): GazetteJournals {
    const address = this.address(broker);
    const rpc = new Rpc(this.#library, { broker: address.broker, etcd: this.etcdAddresses[0] ?? '' });
    return new GazetteJournals(rpc, { ...address, prefix, clock: this.#clock });
  }

  /** Makes journals below a prefix, and resolves when each accepts appends. */
  async makeJournals(prefix: string, partitions: number): Promise<void> {
    const { replication } = this.#options;
    const { broker } = this.address();
    const rpc = new Rpc(this.#library, { broker, etcd: this.etcdAddresses[0] ?? '' });
    const deadlineNs = this.#clock.nowNs() + READY_MS * 1e6;
    try {
      while (!(await madeJournals(rpc, { prefix, partitions, replication, store: 'file:///' }))) {
        if (this.#running.size < this.#programs.size) throw new OperatingError('ERR_CLUSTER', 'a member has ended');
        if (this.#clock.nowNs() > deadlineNs) {
          throw new OperatingError('ERR_CLUSTER', `the cluster took no journals within ${READY_MS / 1e3} s`);
        }
        await delay(this.#clock, RETRY_MS);
      }
    } finally {
      rpc.close();
    }
    const journals = this.connect({ prefix });
    await journals.list();
    journals.close();
  }

  /** Starts a member that does not run, with its old data. */
  startMember(name: string): void {
    const program = this.#programs.get(name);
    if (program === undefined || this.#running.has(name))
      throw new OperatingError('ERR_MEMBER', `no such member to start: ${name}`);
    const start = (this.#starts.get(name) ?? 0) + 1;
    this.#starts.set(name, start);
    makeFoldersSync(join(program.folder, 'tmp'));
    const output = openSync(join(this.#options.folder, `${name}.log`), 'a');
    const child = this.#laboratory.start(program.number, {
      file: program.file,
      args: program.args(start),
      // Brokers keep data that is not yet persisted in unlinked files there.
      environment: { ...process.env, TMPDIR: join(program.folder, 'tmp') },
      output,
    });
    closeSync(output);
    this.#running.set(name, child);
    child.once('exit', (code, signal) => {
      if (this.#running.get(name) !== child) return;
      this.#running.delete(name);
      this.#options.onEnded(`${name} has ended by itself (${signal ?? `exit ${code}`}): see ${name}.log`);
    });
  }

  /** Sends SIGKILL; resolves when the member is gone. */
  async killMember(name: string): Promise<void> {
    const child = this.#running.get(name);
    if (child === undefined) return;
    this.#running.delete(name);
    const gone = once(child, 'exit');
    child.kill('SIGKILL');
    await gone;
  }

  /** Ends every member, and with them their network. */
  async stop(): Promise<void> {
    await Promise.all([...this.#running.keys()].map((name) => this.killMember(name)));
    this.#laboratory.close();
  }

  get #clock(): Clock {
    return this.#options.clock ?? systemClock;
  }

  #addresses(kind: string): string[] {
    return [...this.#programs.values()].filter(({ name }) => name.startsWith(kind)).map(({ address }) => address);
  }
}

/** Also false while nobody answers. */
async function madeJournals(rpc: Rpc, options: Parameters<typeof provisionJournals>[1]): Promise<boolean> {
  try {
    return await provisionJournals(rpc, options);
  } catch (error) {
    if (error instanceof OperatingError) throw error;
    return false;
  }
}

function programsOf(options: ClusterOptions, laboratory: Laboratory): Map<string, Program> {
  const { binaries, folder, brokers, etcd } = options;
  const programs = new Map<string, Program>();
  const etcds = Array.from({ length: etcd }, (_, at) => memberOf(laboratory, `etcd-${at + 1}`, ETCD_FIRST + at));
  const all = etcds.map((member) => `${member.name}=${peer(member)}`).join(',');
  for (const member of etcds) {
    const own = join(folder, member.name);
    const urls = ['--listen-peer-urls', peer(member), '--initial-advertise-peer-urls', peer(member)];
    urls.push('--listen-client-urls', client(member), '--advertise-client-urls', client(member));
    const rest = ['--initial-cluster', all, '--initial-cluster-state', 'new', '--log-level', 'warn'];
    const args = ['--name', member.name, '--data-dir', join(own, 'data'), ...urls, ...rest];
    programs.set(member.name, { ...member, file: binaries.etcd, folder: own, args: () => args });
  }
  const fragments = join(folder, 'fragments');
  makeFoldersSync(fragments);
  for (let at = 0; at < brokers; at += 1) {
    const member = memberOf(laboratory, `broker-${at + 1}`, BROKER_FIRST + at);
    const own = join(folder, member.name);
    // A killed broker keeps its name in etcd until its lease ends, so the next start is another broker.
    const identity = (start: number): string[] => ['--broker.id', `${member.name}-${start}`, '--broker.zone', 'zone-1'];
    const place = ['--broker.host', member.address, '--broker.port', String(BROKER_PORT)];
    const [first] = etcds.slice(at % etcds.length);
    const stores = ['--broker.file-root', fragments, '--etcd.address', first === undefined ? '' : client(first)];
    const args = (start: number): string[] => ['serve', ...identity(start), ...place, ...stores, '--log.level', 'warn'];
    programs.set(member.name, { ...member, file: binaries.gazette, folder: own, args });
  }
  return programs;
}

function memberOf(laboratory: Laboratory, name: string, number: number): Member {
  return { name, number, address: laboratory.addressOf(number) };
}

function peer({ address }: Member): string {
  return `http://${address}:${ETCD_PEER_PORT}`;
}

function client({ address }: Member): string {
  return `http://${address}:${ETCD_CLIENT_PORT}`;
}
