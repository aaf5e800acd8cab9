/**
 * The network of a cluster: a bridge in a network namespace of the run, and each member in a separate namespace beside
 * it, with its own address. This process has an address there too. Nothing outside this machine can reach any of them.
 *
 * However this process ends, nothing is left behind: namespaces end with their last process, links with their
 * namespace, and the processes with this one.
 */

import { spawnSync } from 'node:child_process';
import { OperatingError, UsageError } from '../../src/core/errors.ts';
import { Child } from '../../src/fleet/child.ts';
import type { Disks } from './disks.ts';
import { holdNamespace } from './namespace.ts';

/** The host's number in the network. Members have lower numbers. */
const HOST = 254;

/** The kernel requires short names of interfaces. */
const BRIDGE = 'bridge';

/** How many laboratories this process has opened. */
let opened = 0;

export type StartOptions = {
  readonly file: string;
  readonly args: readonly string[];
  readonly environment: NodeJS.ProcessEnv;
  /** A descriptor for the program's output. */
  readonly output: number;
};

export class Laboratory {
  readonly #hub: Child;
  readonly #subnet: string;
  readonly #hostLink: string;
  readonly #hosts = new Map<number, Child>();
  #disks: Disks | null = null;

  private constructor(hub: Child, number: number) {
    this.#hub = hub;
    const place = process.pid + number * 7919;
    this.#subnet = `10.${192 + (place % 60)}.${Math.floor(place / 60) % 256}`;
    this.#hostLink = `ss${process.pid}-${number}`;
  }

  /** Throws a UsageError when this process may not make network namespaces. */
  static async open(): Promise<Laboratory> {
    const hub = await holdNamespace(['--net'], ['cat']);
    try {
      opened += 1;
      const laboratory = new Laboratory(hub, opened);
      laboratory.#build();
      return laboratory;
    } catch (error) {
      hub.kill('SIGKILL');
      throw error;
    }
  }

  #build(): void {
    const hub = String(this.#hub.pid);
    this.#inHub('link', 'add', BRIDGE, 'type', 'bridge');
    this.#inHub('link', 'set', BRIDGE, 'up');
    const link = this.#hostLink;
    ip(['link', 'add', link, 'type', 'veth', 'peer', 'name', 'host', 'netns', hub]);
    this.#inHub('link', 'set', 'host', 'master', BRIDGE);
    this.#inHub('link', 'set', 'host', 'up');
    ip(['address', 'add', `${this.#subnet}.${HOST}/24`, 'dev', link]);
    ip(['link', 'set', link, 'up']);
  }

  /** Makes the namespace of a member, which stays when its program ends. `number` counts from 1. */
  async addMember(number: number): Promise<void> {
    const host = await holdNamespace(['--net'], ['cat']);
    this.#hosts.set(number, host);
    const pid = String(host.pid);
    const link = `m${number}`;
    this.#inHub('link', 'add', link, 'type', 'veth', 'peer', 'name', 'eth0', 'netns', pid);
    this.#inHub('link', 'set', link, 'master', BRIDGE);
    this.#inHub('link', 'set', link, 'up');
    enter(pid, ['link', 'set', 'lo', 'up']);
    enter(pid, ['address', 'add', `${this.addressOf(number)}/24`, 'dev', 'eth0']);
    enter(pid, ['link', 'set', 'eth0', 'up']);
  }

  addressOf(number: number): string {
    return `${this.#subnet}.${number}`;
  }

  /** Arguments before a program that run it in the member's namespace, under the same process id. */
  inside(number: number): readonly string[] {
    const host = this.#hosts.get(number);
    if (host === undefined) throw new OperatingError('ERR_MEMBER', `the network has no member ${number}`);
    return ['nsenter', '--target', String(host.pid), '--net'];
  }

  /** From now on members are started where these disks are mounted. They end with the laboratory. */
  use(disks: Disks): void {
    this.#disks = disks;
  }

  /** The path by which this process reaches what members find at `path`. */
  seen(path: string): string {
    return this.#disks?.seen(path) ?? path;
  }

  /** Packets from and to the member vanish from now on, and nobody is told. */
  darken(number: number): void {
    this.#link(number, 'down');
  }

  lighten(number: number): void {
    this.#link(number, 'up');
  }

  #link(number: number, state: 'up' | 'down'): void {
    const [file = '', ...words] = this.inside(number);
    run(file, [...words, 'ip', 'link', 'set', 'eth0', state]);
  }

  /**
   * Starts a program in the member's namespace. The program is killed when this process ends, and has the id of the
   * child.
   */
  start(number: number, { file, args, environment, output }: StartOptions): Child {
    const where = [...(this.#disks?.inside ?? []), ...this.inside(number)];
    const argv = [...where, 'setpriv', '--pdeathsig', 'KILL', file, ...args];
    return new Child({ argv, stdio: ['ignore', output, output], environment });
  }

  close(): void {
    for (const host of this.#hosts.values()) host.kill('SIGKILL');
    this.#hub.kill('SIGKILL');
    this.#disks?.close();
  }

  #inHub(...words: string[]): void {
    enter(String(this.#hub.pid), words);
  }
}

function enter(pid: string, words: readonly string[]): void {
  run('nsenter', ['--target', pid, '--net', 'ip', ...words]);
}

function ip(words: readonly string[]): void {
  run('ip', words);
}

/** Not by `runToEnd`, because callers wait for what the kernel says within one call. */
function run(file: string, args: readonly string[]): void {
  const { status, stderr, error } = spawnSync(file, args, { encoding: 'utf8' });
  if (error !== undefined) {
    throw new UsageError(`a cluster needs the program ${file} (iproute2 and util-linux): ${error.message}`);
  }
  if (status !== 0) {
    throw new OperatingError('ERR_NAMESPACE', `${file} ${args.join(' ')}: ${stderr.trim() || `exit ${status}`}`);
  }
}
