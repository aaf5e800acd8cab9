/**
 * A cut in the network between members, made by the kernel: rules of nftables in the namespaces of the cut members. The
 * kernel counts the packets that it stops and, after the cut, the packets that pass again.
 */

import { delimiter, join } from 'node:path';
import { type Clock, delay } from '../../src/core/clock.ts';
import { asRecord, isCount } from '../../src/core/assert.ts';
import { OperatingError } from '../../src/core/errors.ts';
import { howEnded } from '../../src/fleet/child.ts';
import { runToEnd } from '../../src/fleet/run-to-end.ts';
import { isExecutable } from './binaries.ts';
import { CutWork } from './cut-work.ts';

const TABLE = 'stream_sum_cut';
/** The time between two looks at the counters. */
const LOOK_MS = 250;
/** The longest time of a connection that shows that packets pass again. */
const CONNECT_S = 2;

/** A member that is cut off. */
export type CutMember = {
  readonly name: string;
  /** Arguments before a program that run it in the member's namespace. */
  readonly inside: readonly string[];
};

export type CutPeer = { readonly address: string; readonly port: number };

export type CutOptions = {
  readonly members: readonly CutMember[];
  /** Those whom the members do not reach. */
  readonly peers: readonly CutPeer[];
  /** `drop`: packets vanish. `reject`: the sender of a packet is told at once. */
  readonly how: 'drop' | 'reject';
  /** Packets from the peers still arrive. */
  readonly isOneWay: boolean;
  readonly clock: Clock;
};

/** Packets to the peers, and from them. */
export type Packets = { readonly out: number; readonly in: number };

const NONE: Packets = { out: 0, in: 0 };

export class NetworkCut extends CutWork {
  readonly #options: CutOptions;
  #lost = new Map<string, Packets>();
  #passed = new Map<string, Packets>();

  constructor(options: CutOptions) {
    super();
    this.#options = options;
  }

  /** By member, the packets that did not pass. */
  get lost(): ReadonlyMap<string, Packets> {
    return this.#lost;
  }

  /** By member, the packets that have passed since the end of the cut. */
  get passed(): ReadonlyMap<string, Packets> {
    return this.#passed;
  }

  protected async cut(healing: AbortSignal): Promise<void> {
    const { how, clock } = this.#options;
    await this.#each((member) => this.#rule(member, how));
    while (!healing.aborted) {
      await this.#each(async (member) => {
        const packets = await countersOf(member);
        if (!healing.aborted) this.#lost.set(member.name, packets);
      });
      await delay(clock, LOOK_MS, healing);
    }
  }

  protected async restore(): Promise<void> {
    const { clock, peers } = this.#options;
    await this.#each(async (member) => {
      this.#lost.set(member.name, await countersOf(member));
      await this.#rule(member, 'accept');
    });
    const isPassed = ({ name }: CutMember): boolean => {
      const packets = this.#passed.get(name) ?? NONE;
      return packets.out > 0 && packets.in > 0;
    };
    while (!this.#options.members.every(isPassed)) {
      await this.#each(async (member) => {
        await Promise.all(peers.map((peer) => connects(member, peer)));
        this.#passed.set(member.name, await countersOf(member));
      });
      await delay(clock, LOOK_MS);
    }
    await this.#each((member) => nft(member, ['delete', 'table', 'inet', TABLE]).then(() => undefined));
  }

  /** One transaction of the kernel, which replaces the earlier rules. */
  async #rule(member: CutMember, verdict: 'drop' | 'reject' | 'accept'): Promise<void> {
    const { peers, isOneWay } = this.#options;
    const addresses = `{ ${[...new Set(peers.map(({ address }) => address))].join(', ')} }`;
    // A member that is cut off only one way gets the packets of its peers, and counts them.
    const incoming = isOneWay || verdict === 'accept' ? 'accept' : 'drop';
    await nft(
      member,
      ['-f', '-'],
      `table inet ${TABLE}
delete table inet ${TABLE}
table inet ${TABLE} {
  counter sent { }
  counter received { }
  chain sending {
    type filter hook output priority 0; policy accept;
    ip daddr ${addresses} counter name sent ${verdict}
  }
  chain receiving {
    type filter hook input priority 0; policy accept;
    ip saddr ${addresses} counter name received ${incoming}
  }
}
`,
    );
  }

  async #each(work: (member: CutMember) => Promise<void>): Promise<void> {
    await Promise.all(this.#options.members.map(work));
  }
}

/** Whether the program that makes the rules is there. */
export function hasNft(): boolean {
  return findNft() !== null;
}

/** An npm package has a program of the same name, which `npm run` puts on the PATH. */
function findNft(): string | null {
  const path = (process.env['PATH'] ?? '').split(delimiter).filter((folder) => !folder.includes('node_modules'));
  const folders = [...path, '/usr/sbin', '/sbin', '/usr/local/sbin'];
  return folders.map((folder) => join(folder, 'nft')).find((file) => isExecutable(file)) ?? null;
}

async function countersOf(member: CutMember): Promise<Packets> {
  const listed = asRecord(JSON.parse(await nft(member, ['-j', 'list', 'counters', 'table', 'inet', TABLE])));
  const objects: unknown[] = Array.isArray(listed?.['nftables']) ? listed['nftables'] : [];
  const packetsOf = (name: string): number => {
    for (const object of objects) {
      const counter = asRecord(asRecord(object)?.['counter']);
      const packets = counter?.['packets'];
      if (counter?.['name'] === name && isCount(packets)) return packets;
    }
    throw new OperatingError('ERR_NFT', `nft lists no counter ${name} of ${member.name}`);
  };
  return { out: packetsOf('sent'), in: packetsOf('received') };
}

/** Begins a connection. Its outcome does not matter. */
async function connects({ inside }: CutMember, { address, port }: CutPeer): Promise<void> {
  const script = `exec timeout ${CONNECT_S} bash -c 'exec 3<>/dev/tcp/${address}/${port}'`;
  await runToEnd({ argv: [...inside, 'sh', '-c', script], output: 'keep' });
}

async function nft({ name, inside }: CutMember, words: readonly string[], input = ''): Promise<string> {
  const end = await runToEnd({ argv: [...inside, findNft() ?? 'nft', ...words], input, output: 'keep' });
  if (end.code === 0) return end.stdout;
  const [why = ''] = end.said.trim().split('\n');
  throw new OperatingError('ERR_NFT', `nft cannot cut off ${name}: ${why === '' ? howEnded(end) : why}`);
}
