/**
 * A power cut of members: of their processes, their disks and their place in the network, at one moment. The moment is
 * one at which something of theirs is not on its disk. They come back with what was on their disks.
 *
 * The processes are stopped first, so that nobody hears of their end, and nothing that was unsynced is synced while the
 * disks are cut. A host that lost its power resets no connection.
 */

import { type Clock, delay } from '../../src/core/clock.ts';
import { CutWork } from './cut-work.ts';
import type { Disks } from './disks.ts';

/** What etcd writes is synced within a millisecond or two: so it is looked at without a pause for so long, */
const LOOK_MS = 15;
/** and others have their turn for so long. */
const PAUSE_MS = 2;

/** A member, and what a power cut does to it. */
export type PoweredMember = {
  readonly name: string;
  readonly pid: number | null;
  pause(): void;
  resume(): void;
  /** Resolves when the process is gone; the member stays down. */
  kill(): Promise<void>;
  start(): void;
};

export type PowerCutOptions = {
  readonly members: readonly PoweredMember[];
  /** Disks that belong to no process, and are cut with the members. */
  readonly stores: readonly string[];
  readonly disks: Pick<Disks, 'files' | 'unsyncedBytes' | 'cut' | 'unmount' | 'mount' | 'checkCut'>;
  /** Packets from and to the member vanish, or pass again. */
  readonly darken: (name: string) => void;
  readonly lighten: (name: string) => void;
  readonly clock: Clock;
};

export class PowerCut extends CutWork {
  readonly #options: PowerCutOptions;
  #unsynced: ReadonlyMap<string, number> | null = null;

  constructor(options: PowerCutOptions) {
    super();
    this.#options = options;
  }

  /**
   * By member or store, the bytes that were not on its disk, and are gone. Null until the disks are mounted again and
   * were seen to have lost what was never synced.
   */
  get unsynced(): ReadonlyMap<string, number> | null {
    return this.#unsynced;
  }

  protected async cut(healing: AbortSignal): Promise<void> {
    const { members, disks, darken } = this.#options;
    const unsynced = await this.#stopped(healing);
    if (unsynced === null) return;
    for (const name of unsynced.keys()) disks.cut(name);
    for (const { name } of members) darken(name);
    await Promise.all(members.map((member) => member.kill()));
    for (const name of unsynced.keys()) {
      await disks.unmount(name);
      await disks.mount(name);
      disks.checkCut(name);
    }
    this.#unsynced = unsynced;
  }

  /**
   * Stops the processes at a moment at which something of some disk is unsynced; of the others, nothing may be under
   * way then. Returns what it is, by disk; null: the cut was called off, and the processes run.
   */
  async #stopped(healing: AbortSignal): Promise<ReadonlyMap<string, number> | null> {
    const { members, disks, clock } = this.#options;
    while (!healing.aborted) {
      const files = this.#powered().flatMap(({ name, pid }) => disks.files(name, pid));
      const untilNs = clock.nowNs() + LOOK_MS * 1e6;
      while (clock.nowNs() < untilNs) {
        if (disks.unsyncedBytes(files) === 0) continue;
        for (const member of members) member.pause();
        const unsynced = this.#powered().map(
          ({ name, pid }) => [name, disks.unsyncedBytes(disks.files(name, pid))] as const,
        );
        if (unsynced.some(([, bytes]) => bytes > 0)) return new Map(unsynced);
        // It was synced meanwhile.
        for (const member of members) member.resume();
      }
      await delay(clock, PAUSE_MS, healing);
    }
    return null;
  }

  #powered(): readonly { readonly name: string; readonly pid: number | null }[] {
    const { members, stores } = this.#options;
    return [...members.map(({ name, pid }) => ({ name, pid })), ...stores.map((name) => ({ name, pid: null }))];
  }

  /** Each member is started again. */
  protected async restore(): Promise<void> {
    const { members, lighten } = this.#options;
    for (const { name } of members) lighten(name);
    for (const member of members) if (member.pid === null) member.start();
  }
}
