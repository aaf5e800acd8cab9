/** `gazctl journals prune` as an operator runs it, until it has removed what a test is about. */

import { assert } from '../../../src/core/assert.ts';
import { delay, systemClock } from '../../../src/core/clock.ts';
import { OperatingError } from '../../../src/core/errors.ts';
import { howEnded } from '../../../src/fleet/child.ts';
import { runToEnd } from '../../../src/fleet/run-to-end.ts';
import type { Binaries } from '../../../soak/cluster/binaries.ts';
import type { Cluster } from '../../../soak/cluster/cluster.ts';
import { S3_CREDENTIALS } from '../../../soak/cluster/programs.ts';

/** It waits without end for a broker that does not answer. */
const PRUNE_MS = 60_000;
/** Fragments are persisted, grow as old as their retention, and are missed by brokers that look each 10 s. */
const DONE_MS = 240_000;
const AGAIN_MS = 500;

export class Pruning {
  readonly #gazctl: string;
  readonly #cluster: Cluster;

  constructor({ gazctl }: Binaries, cluster: Cluster) {
    assert(gazctl !== undefined, 'whoever prunes has asked for gazctl');
    this.#gazctl = gazctl;
    this.#cluster = cluster;
  }

  /**
   * Prunes a journal until everything below `least` or more is removed, and then waits until its brokers miss it: until
   * `begin` resolves with the offset up to which fragments were removed. Returns that offset.
   */
  async through(journal: string, least: number, begin: () => Promise<number>): Promise<number> {
    let end = 0;
    await until(`fragments of ${journal} are removed`, async () => {
      end = Math.max(end, await this.#prune(journal));
      return end >= least;
    });
    await until(`${journal} begins at ${end}`, async () => (await begin()) === end);
    return end;
  }

  /** Where the last fragment ends that was removed; 0: none was old enough, and known to be in the store. */
  async #prune(journal: string): Promise<number> {
    const [broker = ''] = this.#cluster.address().brokers;
    // No proxy of this machine: brokers and store are in the cluster's network.
    const environment = { ...S3_CREDENTIALS, BROKER_ADDRESS: broker, LOG_LEVEL: 'info', LOG_FORMAT: 'json' };
    const argv = [this.#gazctl, 'journals', 'prune', '--selector', `name=${journal}`];
    const abort = { signal: AbortSignal.timeout(PRUNE_MS), graceMs: 0 };
    const end = await runToEnd({ argv, environment, output: 'keep', abort });
    if (end.code !== 0) {
      throw new OperatingError('ERR_PRUNE', `gazctl journals prune ${howEnded(end)}: ${end.said.trim()}`);
    }
    return Math.max(0, ...end.said.split('\n').map(removedEnd));
  }
}

/** Asks until it is so. `what`: what is waited for. */
export async function until(what: string, isSo: () => Promise<boolean>): Promise<void> {
  const deadlineNs = systemClock.nowNs() + DONE_MS * 1e6;
  while (!(await isSo())) {
    if (systemClock.nowNs() > deadlineNs) {
      throw new OperatingError('ERR_DEADLINE', `not within ${DONE_MS / 1e3} s: ${what}`);
    }
    await delay(systemClock, AGAIN_MS);
  }
}

/** The end of the fragment that a line of the log says is removed: its name is begin, end and checksum. */
function removedEnd(line: string): number {
  if (!line.startsWith('{')) return 0;
  const { msg, name } = JSON.parse(line) as { readonly msg?: string; readonly name?: string };
  return msg === 'pruning fragment' ? Number.parseInt(name?.split('-')[1] ?? '', 16) : 0;
}
