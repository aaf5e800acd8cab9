/**
 * Gazette's own stream-sum example on a cluster: its summer and its chunker, each in its own place in the network. They
 * bind all interfaces, so they run nowhere else.
 */

import { closeSync, openSync } from 'node:fs';
import { join } from 'node:path';
import { delay, systemClock } from '../../src/core/clock.ts';
import { OperatingError } from '../../src/core/errors.ts';
import { makeFoldersSync } from '../../src/core/folder.ts';
import { Child, howEnded } from '../../src/fleet/child.ts';
import { lastLogLines } from '../../src/fleet/exit-judgement.ts';
import { runToEnd } from '../../src/fleet/run-to-end.ts';
import type { Binaries, ExampleBinaries } from './binaries.ts';
import { Cluster, type ClusterOptions } from './cluster.ts';
import { EXAMPLE_SHARDS, committedMessages, exampleJournals, exampleShards, servedShards } from './example-specs.ts';
import { fragmentsIn } from './programs.ts';

const SUMMER = 'summer-0';
const CHUNKER = 'chunker-0';
const SUMMER_PORT = 8095;
/** The longest time until the summer serves every shard, and until `gazctl` has ended. */
const READY_MS = 120_000;
const APPLY_MS = 60_000;
const ASK_MS = 200;
const ANSWER_MS = 10_000;

export type ExampleAsked = Pick<ClusterOptions, 'onEnded'> & {
  readonly shape: Pick<ClusterOptions, 'brokers' | 'replication' | 'etcd'>;
  readonly dataFolder: string;
  readonly logsFolder: string;
  readonly load: { readonly workers: number; readonly streams: number; readonly chunks: number };
};

export class RunningExample {
  readonly #cluster: Cluster;
  readonly #programs: ExampleBinaries;
  readonly #asked: ExampleAsked;
  readonly #children = new Map<string, Child>();
  #ended: Promise<string | null> = Promise.resolve(null);
  #isStopping = false;

  private constructor(cluster: Cluster, programs: ExampleBinaries, asked: ExampleAsked) {
    this.#cluster = cluster;
    this.#programs = programs;
    this.#asked = asked;
  }

  /** Starts a cluster for it, and resolves when its chunker runs. */
  static async start(
    { example, ...binaries }: Binaries & { readonly example: ExampleBinaries },
    asked: ExampleAsked,
  ): Promise<RunningExample> {
    const { shape, logsFolder, onEnded } = asked;
    const folder = clusterFolder(asked);
    for (const path of [folder, logsFolder]) makeFoldersSync(path);
    // The journals of our own pipelines are there, and nobody uses them.
    const options = { ...shape, binaries, folder, logsFolder, partitions: 1, clients: [SUMMER, CHUNKER], onEnded };
    const running = new RunningExample(await Cluster.start(options), example, asked);
    try {
      await running.#begin();
      return running;
    } catch (error) {
      await running.stop();
      throw error;
    }
  }

  async #begin(): Promise<void> {
    const { load, shape, onEnded } = this.#asked;
    await this.#apply('journals', exampleJournals(shape));
    const summer = this.#start(SUMMER, this.#programs.summer, this.#summerFlags());
    void summer.ended.then((end) => {
      if (!this.#isStopping) onEnded(this.#said(SUMMER, `${howEnded(end)}, and nobody had ended it`));
    });
    await this.#untilServed(0);
    await this.#apply('shards', exampleShards());
    await this.#untilServed(EXAMPLE_SHARDS);
    const { workers, streams, chunks } = load;
    const flags = ['--chunker.workers', workers, '--chunker.streams', streams, '--chunker.chunks', chunks].map(String);
    const chunker = this.#start(CHUNKER, this.#programs.chunker, ['run', ...this.#brokerFlags(), ...flags]);
    this.#ended = chunker.ended.then((end) => (end.code === 0 ? null : this.#said(CHUNKER, howEnded(end))));
  }

  #summerFlags(): string[] {
    const identity = ['--consumer.id', SUMMER, '--consumer.zone', 'zone-1', '--consumer.host'];
    const place = [...identity, this.#cluster.addressOf(SUMMER), '--consumer.port', String(SUMMER_PORT)];
    const fragments = ['--broker.file-root', fragmentsIn(clusterFolder(this.#asked))];
    const etcd = ['--etcd.address', this.#cluster.etcdAddresses[0] ?? '', '--etcd.prefix', '/gazette/consumers/summer'];
    return ['serve', ...place, ...this.#brokerFlags(), ...fragments, ...etcd];
  }

  /** With a cache of routes it asks the primary of each journal, as in the example's own deployment. */
  #brokerFlags(): string[] {
    return ['--broker.address', this.#brokerUrl, '--broker.cache.size', '256'];
  }

  get #brokerUrl(): string {
    return this.#cluster.address().brokers[0] ?? '';
  }

  get #summerUrl(): string {
    return `http://${this.#cluster.addressOf(SUMMER)}:${SUMMER_PORT}`;
  }

  #start(name: string, file: string, args: readonly string[]): Child {
    const temporary = join(this.#asked.dataFolder, name);
    makeFoldersSync(temporary);
    const output = openSync(this.#logOf(name), 'a');
    const argv = [...this.#cluster.inside(name), 'setpriv', '--pdeathsig', 'KILL', file, ...args];
    const environment = { ...process.env, TMPDIR: temporary };
    const child = new Child({ argv, stdio: ['ignore', output, output], environment });
    closeSync(output);
    this.#children.set(name, child);
    return child;
  }

  #logOf(name: string): string {
    return join(this.#asked.logsFolder, `${name}.log`);
  }

  #said(name: string, what: string): string {
    return [`${name} of the example ${what}`, ...lastLogLines(this.#logOf(name), 1)].join('; ');
  }

  async #apply(what: 'journals' | 'shards', specs: string): Promise<void> {
    const environment = { ...process.env, BROKER_ADDRESS: this.#brokerUrl, CONSUMER_ADDRESS: this.#summerUrl };
    const argv = [this.#programs.gazctl, what, 'apply'];
    // It waits without end for a broker that does not answer.
    const abort = { signal: AbortSignal.timeout(APPLY_MS), graceMs: 0 };
    const end = await runToEnd({ argv, environment, input: specs, output: 'keep', abort });
    if (end.code === 0) return;
    const last = end.said.trim().split('\n').at(-1) ?? '';
    throw new OperatingError('ERR_EXAMPLE', `gazctl ${what} apply ${howEnded(end)}: ${last}`);
  }

  /** Resolves when the summer answers and serves so many shards. */
  async #untilServed(shards: number): Promise<void> {
    const deadlineNs = systemClock.nowNs() + READY_MS * 1e6;
    for (;;) {
      const metrics = await this.#metrics().catch(() => null);
      if (metrics !== null && servedShards(metrics) >= shards) return;
      if (this.#children.get(SUMMER)?.isOver === true || systemClock.nowNs() > deadlineNs) {
        const what = `does not serve ${shards} shards, after ${READY_MS / 1e3} s at most`;
        throw new OperatingError('ERR_EXAMPLE', this.#said(SUMMER, what));
      }
      await delay(systemClock, ASK_MS);
    }
  }

  async #metrics(): Promise<string> {
    const response = await fetch(`${this.#summerUrl}/debug/metrics`, { signal: AbortSignal.timeout(ANSWER_MS) });
    return await response.text();
  }

  get processes(): readonly { readonly name: string; readonly pid: number | null }[] {
    const own = Array.from(this.#children, ([name, { pid, isOver }]) => ({ name, pid: isOver ? null : pid }));
    return [...own, ...this.#cluster.members];
  }

  /** Chunks and ends of streams that the summer has folded in committed transactions. */
  async folded(): Promise<number> {
    try {
      return committedMessages(await this.#metrics());
    } catch (cause) {
      throw new OperatingError('ERR_EXAMPLE', this.#said(SUMMER, 'does not say how far it is'), { cause });
    }
  }

  /** Resolves when the chunker has ended: null when it had verified every sum, else what happened. */
  get ended(): Promise<string | null> {
    return this.#ended;
  }

  async stop(): Promise<void> {
    this.#isStopping = true;
    // The summer would wait for another one to take over.
    for (const child of this.#children.values()) child.kill('SIGKILL');
    await Promise.all(Array.from(this.#children.values(), ({ ended }) => ended));
    await this.#cluster.stop();
  }
}

function clusterFolder({ dataFolder }: ExampleAsked): string {
  return join(dataFolder, 'cluster');
}
