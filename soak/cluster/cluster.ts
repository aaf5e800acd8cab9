/**
 * A cluster of real processes: etcd members, Gazette brokers over one fragment store in the file system, and the
 * journals of the suite. Each member has its own address, data folder and log. Clients may have addresses there too.
 */

import { join } from 'node:path';
import { type Clock, delay, systemClock } from '../../src/core/clock.ts';
import { OperatingError } from '../../src/core/errors.ts';
import { type GazetteAddress, PREFIX, parseGazetteAddress } from '../../src/journal/gazette/address.ts';
import type { BrokerKeys } from '../../src/journal/gazette/auth.ts';
import { SUMS_JOURNAL, chunkJournal } from '../../src/journal/journals.ts';
import { GazetteJournals } from '../../src/journal/gazette/gazette-journals.ts';
import { type FragmentRule, provisionJournals } from '../../src/journal/gazette/provision.ts';
import { type Library, Rpc, importLibrary } from '../../src/journal/gazette/rpc.ts';
import type { Binaries } from './binaries.ts';
import { Disks } from './disks.ts';
import { Laboratory } from './laboratory.ts';
import { Member, type MemberEvents } from './member.ts';
import { type CutMember, type CutPeer, NetworkCut } from './network-cut.ts';
import { PowerCut } from './power-cut.ts';
import {
  BROKER_PORT,
  CLIENT_FIRST,
  ETCD_CLIENT_PORT,
  FRAGMENTS,
  type Fragments,
  type Program,
  diskNames,
  programsOf,
  storeUrl,
} from './programs.ts';

/** The longest time until the first journals are there: elections, leases, assignments. */
const READY_MS = 120_000;
const RETRY_MS = 200;
/** A port at which nothing listens. */
const NO_PORT = 1;

export type ClusterOptions = {
  readonly binaries: Binaries;
  /** The folder for the data of all members. */
  readonly folder: string;
  /** The folder for their logs; absent: the folder of the data. */
  readonly logsFolder?: string;
  readonly brokers: number;
  readonly replication: number;
  readonly etcd: number;
  readonly partitions: number;
  /** Names of clients with their own place in the network. */
  readonly clients?: readonly string[];
  /** Whether an ended member is started again, as an orchestrator would do. */
  readonly isKept?: boolean;
  /** Whether each member, and the store of fragments, has a disk whose power can be cut. */
  readonly hasDisks?: boolean;
  /** The keys that brokers share with their clients; absent or null: brokers ask for no token. */
  readonly brokerKeys?: BrokerKeys | null;
  /** `s3`: fragments are in a server of S3, which is a member; absent: in files that all brokers share. */
  readonly fragments?: Fragments;
  /** A member has ended, and nobody has ended it. */
  readonly onEnded: (line: string) => void;
  readonly clock?: Clock;
};

/** A cut between members or clients of these names. */
export type CutAsked = {
  readonly members: readonly string[];
  readonly peers: readonly string[];
  readonly how: 'drop' | 'reject';
  readonly isOneWay: boolean;
};

export type PowerAsked = { readonly members: readonly string[]; readonly withStore: boolean };

export class Cluster {
  readonly #options: ClusterOptions;
  readonly #laboratory: Laboratory;
  readonly #library: Library;
  readonly #disks: Disks | null;
  readonly #programs: ReadonlyMap<string, Program>;
  readonly #members: ReadonlyMap<string, Member>;
  /** By client, its number in the network. */
  readonly #clients: ReadonlyMap<string, number>;
  #listener: Omit<MemberEvents, 'onEnded'> = {};

  private constructor(
    options: ClusterOptions,
    of: { readonly laboratory: Laboratory; readonly library: Library; readonly disks: Disks | null },
  ) {
    const { laboratory, library, disks } = of;
    this.#options = options;
    this.#laboratory = laboratory;
    this.#library = library;
    this.#disks = disks;
    this.#programs = programsOf(options, laboratory);
    this.#clients = new Map((options.clients ?? []).map((name, at) => [name, CLIENT_FIRST + at]));
    const events: MemberEvents = {
      onExit: (exit) => this.#listener.onExit?.(exit),
      onReady: (member) => this.#listener.onReady?.(member),
      onAnswer: (name) => this.#listener.onAnswer?.(name),
      onEnded: options.onEnded,
    };
    const { folder, logsFolder = folder, isKept = false } = options;
    const rest = { laboratory, logsFolder, clock: this.#clock, isKept, events };
    this.#members = new Map([...this.#programs].map(([name, program]) => [name, new Member({ program, ...rest })]));
  }

  /** Starts the cluster, and resolves when every journal accepts appends. */
  static async start(options: ClusterOptions): Promise<Cluster> {
    const library = await importLibrary();
    const laboratory = await Laboratory.open();
    let cluster: Cluster | null = null;
    try {
      const disks = options.hasDisks === true ? await Disks.open() : null;
      if (disks !== null) {
        laboratory.use(disks);
        for (const name of diskNames(options)) await disks.add(name, join(options.folder, name));
      }
      cluster = new Cluster(options, { laboratory, library, disks });
      for (const { number } of cluster.#programs.values()) await laboratory.addMember(number);
      for (const number of cluster.#clients.values()) await laboratory.addMember(number);
      for (const member of cluster.#members.values()) member.start();
      await cluster.makeJournals(PREFIX, options.partitions);
      return cluster;
    } catch (error) {
      await cluster?.stop();
      laboratory.close();
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

  get members(): readonly Member[] {
    return [...this.#members.values()];
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
    const rpc = this.#rpc(address.brokers);
    return new GazetteJournals(rpc, { ...address, prefix, clock: this.#clock });
  }

  /** A client through any broker that answers. */
  connectAny(): GazetteJournals {
    const brokers = this.brokerAddresses.flatMap((address) => parseGazetteAddress(address, '--journals').brokers);
    const rpc = this.#rpc(brokers);
    return new GazetteJournals(rpc, { address: this.brokerAddresses[0] ?? '', prefix: PREFIX, clock: this.#clock });
  }

  #rpc(brokers: readonly string[]): Rpc {
    const brokerKey = this.#options.brokerKeys?.signing ?? null;
    return new Rpc(this.#library, { brokers, etcd: this.etcdAddresses, brokerKey });
  }

  /** Makes journals below a prefix, and resolves when each accepts appends. */
  async makeJournals(prefix: string, partitions: number, fragments?: FragmentRule): Promise<void> {
    const { replication } = this.#options;
    const store = storeUrl(this.#options, this.#laboratory);
    const rule = fragments === undefined ? {} : { fragments };
    const { brokers } = this.address();
    const rpc = this.#rpc(brokers);
    const deadlineNs = this.#clock.nowNs() + READY_MS * 1e6;
    try {
      while (!(await madeJournals(rpc, { prefix, partitions, replication, store, ...rule }))) {
        const isDown = this.members.some(({ pid }) => pid === null);
        if (isDown && this.#options.isKept !== true) throw new OperatingError('ERR_CLUSTER', 'a member has ended');
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
    this.member(name).start();
  }

  /** Sends SIGKILL; resolves when the member is gone. */
  async killMember(name: string): Promise<void> {
    await this.member(name).kill();
  }

  member(name: string): Member {
    const member = this.#members.get(name);
    if (member === undefined) throw new OperatingError('ERR_MEMBER', `the cluster has no member ${name}`);
    return member;
  }

  /** Asks every member a few times a second whether it answers, and reports what it sees. */
  watch(listener: Omit<MemberEvents, 'onEnded'>): void {
    this.#listener = listener;
    for (const member of this.members) void member.watch();
  }

  /** Arguments before a program that run it in the place of a client. */
  inside(client: string): readonly string[] {
    return this.#laboratory.inside(this.#numberOf(client));
  }

  /** The address of a member or a client in the cluster's network. */
  addressOf(name: string): string {
    return this.#laboratory.addressOf(this.#numberOf(name));
  }

  #numberOf(name: string): number {
    const number = this.#clients.get(name) ?? this.#programs.get(name)?.number;
    if (number === undefined) throw new OperatingError('ERR_MEMBER', `the network has no place for ${name}`);
    return number;
  }

  /** Names of the clients that have their own place in the network. */
  get clients(): readonly string[] {
    return [...this.#clients.keys()];
  }

  /** A cut that has not begun. */
  cut({ members, peers, how, isOneWay }: CutAsked): NetworkCut {
    const cut = members.map((name): CutMember => ({ name, inside: this.inside(name) }));
    return new NetworkCut({
      members: cut,
      peers: peers.flatMap((name) => this.#peers(name)),
      how,
      isOneWay,
      clock: this.#clock,
    });
  }

  /** Packets from and to a member vanish from now on, and nobody is told. */
  darken(name: string): void {
    this.#laboratory.darken(this.#numberOf(name));
  }

  lighten(name: string): void {
    this.#laboratory.lighten(this.#numberOf(name));
  }

  /** Journals of the suite whose primary is this broker now, as barriers say. */
  async journalsLedBy(name: string): Promise<readonly string[]> {
    const { partitions } = this.#options;
    const names = [...Array.from({ length: partitions }, (_, partition) => chunkJournal(partition)), SUMS_JOURNAL];
    const rpc = this.#rpc(this.brokerAddresses.flatMap((text) => parseGazetteAddress(text, '--journals').brokers));
    try {
      const led = await Promise.all(
        names.map(async (journal) => {
          const { header } = await rpc.append({ journal: `${PREFIX}${journal}` });
          const { members = [], primary = 0 } = header?.route ?? {};
          // The process of the first start is `broker-2-1`.
          return members[primary]?.suffix.startsWith(`${name}-`) === true ? journal : null;
        }),
      );
      return led.filter((journal) => journal !== null);
    } finally {
      rpc.close();
    }
  }

  /** A power cut that has not begun: of these members, and of the fragment store where `withStore` says so. */
  powerCut({ members, withStore }: PowerAsked): PowerCut {
    const disks = this.#disks;
    if (disks === null) throw new OperatingError('ERR_MEMBER', 'the members of this cluster have no disks');
    return new PowerCut({
      members: members.map((name) => this.member(name)),
      stores: withStore ? [FRAGMENTS] : [],
      disks,
      darken: (name) => this.darken(name),
      lighten: (name) => this.lighten(name),
      clock: this.#clock,
    });
  }

  #peers(name: string): CutPeer[] {
    const program = this.#programs.get(name);
    if (program !== undefined) return program.ports.map((port) => ({ address: program.address, port }));
    // A client listens nowhere. Its refusal is a packet too.
    return [{ address: this.addressOf(name), port: NO_PORT }];
  }

  /** Ends every member, and with them their network. */
  async stop(): Promise<void> {
    for (const member of this.members) member.close();
    await Promise.all(this.members.map((member) => member.kill()));
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
