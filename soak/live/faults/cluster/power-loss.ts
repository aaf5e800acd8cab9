/**
 * A power cut of members of a cluster. Proven when each process that was there has ended by SIGKILL, something of them
 * was not on their disks, and the disks are there again without what was never synced. A cut in which everything was
 * synced shows nothing, and is never proven. Over when each member was started again on its disk and answers.
 */

import type { FaultAction, SeenExit, SeenReady, Sight } from '../actions/action.ts';
import { Kill, type Mortal } from '../actions/kill.ts';
import type { LabMember, LabPowerCut } from './lab.ts';

export class PowerLoss implements FaultAction {
  readonly #cut: LabPowerCut;
  readonly #members: readonly LabMember[];
  readonly #ends: Kill<Mortal>;
  #proof: Sight | null = null;

  constructor(cut: LabPowerCut, members: readonly LabMember[]) {
    this.#cut = cut;
    this.#members = members;
    // The cut kills them, and starts them.
    this.#ends = new Kill(
      members.map((member) => mortalOf(member, () => undefined)),
      { start: () => undefined, words: 'answers again' },
    );
  }

  inject(): void {
    this.#ends.inject();
    this.#cut.begin();
  }

  proven(nowNs: number): Sight | null {
    this.#cut.check();
    const { unsynced } = this.#cut;
    if (this.#proof !== null || unsynced === null) return this.#proof;
    const ended = this.#ends.proven();
    const bytes = [...unsynced.values()].reduce((sum, each) => sum + each, 0);
    if (ended === null || bytes === 0) return null;
    const each = [...unsynced].map(([name, of]) => `${name} ${of / 1024}`).join(', ');
    this.#proof = { atNs: nowNs, saw: `${ended.saw}, KiB that were on no disk and are gone: ${each}` };
    return this.#proof;
  }

  heal(): void {
    this.#ends.heal();
    this.#cut.heal();
  }

  isOver(): boolean {
    return this.#cut.isOver && this.#members.every(({ isReady }) => isReady);
  }

  healed(): Sight | null {
    this.#cut.check();
    return this.#ends.healed();
  }

  onExit(exit: SeenExit): boolean {
    return this.#ends.onExit(exit);
  }

  onReady(ready: SeenReady): void {
    this.#ends.onReady(ready);
  }
}

/** A member as what can be killed. It is asked for its pid anew each time. */
export function mortalOf(member: LabMember, kill: () => void): Mortal {
  return {
    name: member.name,
    get pid() {
      return member.pid;
    },
    get ready() {
      return member.isReady;
    },
    kill,
  };
}
