/** The members of a cluster as programs: the place of each in the network, and how it is started. */

import { join } from 'node:path';
import { assert } from '../../src/core/assert.ts';
import { makeFoldersSync } from '../../src/core/folder.ts';
import type { BrokerKeys } from '../../src/journal/gazette/auth.ts';
import type { Binaries } from './binaries.ts';
import type { Laboratory } from './laboratory.ts';

export const ETCD_CLIENT_PORT = 2379;
export const ETCD_PEER_PORT = 2380;
export const BROKER_PORT = 8080;
const S3_PORT = 9000;
/** Numbers of the members in the network: the S3 server, etcd from 11 on, brokers from 101 on, clients from 171 on. */
const S3_NUMBER = 10;
const ETCD_FIRST = 11;
const BROKER_FIRST = 101;
export const CLIENT_FIRST = 171;
/** The name of the fragment store. */
export const FRAGMENTS = 'fragments';

type Member = { readonly name: string; readonly number: number; readonly address: string };

export type Program = Member & {
  readonly file: string;
  /** The arguments of its start with this number. */
  readonly args: (start: number) => readonly string[];
  readonly folder: string;
  /** Variables of its environment: a key is no argument, for everybody sees arguments. */
  readonly environment: Readonly<Record<string, string>>;
  /** The address at which it answers over HTTP as long as it runs. */
  readonly health: string;
  /** Ports to which others connect. */
  readonly ports: readonly number[];
};

export type ProgramOptions = {
  readonly binaries: Binaries;
  readonly folder: string;
  readonly brokers: number;
  readonly etcd: number;
  readonly brokerKeys?: BrokerKeys | null;
  /** Where fragments are; absent: in files. */
  readonly fragments?: Fragments;
};

export type Fragments = 'file' | 's3';

export function programsOf(options: ProgramOptions, laboratory: Laboratory): Map<string, Program> {
  const { binaries, folder, brokers, etcd, brokerKeys = null, fragments: store = 'file' } = options;
  const programs = new Map<string, Program>();
  const etcds = Array.from({ length: etcd }, (_, at) => memberOf(laboratory, `etcd-${at + 1}`, ETCD_FIRST + at));
  const all = etcds.map((member) => `${member.name}=${peer(member)}`).join(',');
  for (const member of etcds) {
    const own = join(folder, member.name);
    const urls = ['--listen-peer-urls', peer(member), '--initial-advertise-peer-urls', peer(member)];
    urls.push('--listen-client-urls', client(member), '--advertise-client-urls', client(member));
    const rest = ['--initial-cluster', all, '--initial-cluster-state', 'new', '--log-level', 'warn'];
    const args = ['--name', member.name, '--data-dir', join(own, 'data'), ...urls, ...rest];
    const health = `${client(member)}/health`;
    const ports = [ETCD_CLIENT_PORT, ETCD_PEER_PORT];
    const how = { file: binaries.etcd, folder: own, args: () => args, environment: {} };
    programs.set(member.name, { ...member, ...how, health, ports });
  }
  if (store === 's3') programs.set(STORE, s3Program(options, laboratory));
  const fragments = fragmentsIn(folder);
  makeFoldersSync(laboratory.seen(fragments));
  for (let at = 0; at < brokers; at += 1) {
    const member = memberOf(laboratory, `broker-${at + 1}`, BROKER_FIRST + at);
    const own = join(folder, member.name);
    // A killed broker keeps its name in etcd until its lease ends, so the next start is another broker.
    const identity = (start: number): string[] => ['--broker.id', `${member.name}-${start}`, '--broker.zone', 'zone-1'];
    const place = ['--broker.host', member.address, '--broker.port', String(BROKER_PORT)];
    const [first] = etcds.slice(at % etcds.length);
    const stores = ['--broker.file-root', fragments, '--etcd.address', first === undefined ? '' : client(first)];
    const args = (start: number): string[] => ['serve', ...identity(start), ...place, ...stores, '--log.level', 'warn'];
    const health = `http://${member.address}:${BROKER_PORT}/debug/ready`;
    const keys = brokerKeys === null ? {} : { BROKER_AUTH_KEYS: brokerKeys.text };
    const environment = { ...keys, ...(store === 's3' ? S3_CREDENTIALS : {}) };
    const how = { file: binaries.gazette, folder: own, args, environment };
    programs.set(member.name, { ...member, ...how, health, ports: [BROKER_PORT] });
  }
  return programs;
}

/** The name of the S3 server, which is a member of the cluster. */
const STORE = 'store-1';
/** It takes any. */
export const S3_CREDENTIALS: Readonly<Record<string, string>> = {
  AWS_ACCESS_KEY_ID: 'any',
  AWS_SECRET_ACCESS_KEY: 'any',
};

function s3Program({ binaries, folder }: ProgramOptions, laboratory: Laboratory): Program {
  assert(binaries.gofakes3 !== undefined, 'whoever asks for S3 has found its server');
  const member = memberOf(laboratory, STORE, S3_NUMBER);
  const own = join(folder, STORE);
  const place = ['-host', `${member.address}:${S3_PORT}`, '-backend', 'bolt', '-bolt.db', join(own, 'fragments.db')];
  const args = [...place, '-initialbucket', FRAGMENTS, '-quiet'];
  const how = { file: binaries.gofakes3, folder: own, args: () => args, environment: {} };
  return { ...member, ...how, health: `http://${member.address}:${S3_PORT}/${FRAGMENTS}`, ports: [S3_PORT] };
}

/** The URL of the fragment store, as journals name it. */
export function storeUrl({ fragments = 'file' }: Pick<ProgramOptions, 'fragments'>, laboratory: Laboratory): string {
  const endpoint = encodeURIComponent(`http://${laboratory.addressOf(S3_NUMBER)}:${S3_PORT}`);
  return fragments === 'file' ? 'file:///' : `s3://${FRAGMENTS}/?endpoint=${endpoint}&region=any`;
}

/** What has a disk of its own, where members have disks. */
export function diskNames({ brokers, etcd }: Pick<ProgramOptions, 'brokers' | 'etcd'>): string[] {
  return [...namesOf('etcd', etcd), ...namesOf('broker', brokers), FRAGMENTS];
}

function namesOf(side: string, count: number): string[] {
  return Array.from({ length: count }, (_, at) => `${side}-${at + 1}`);
}

/** The folder of the store of fragments that all brokers share. */
export function fragmentsIn(folder: string): string {
  return join(folder, FRAGMENTS);
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
