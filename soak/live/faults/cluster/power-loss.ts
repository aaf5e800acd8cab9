/**
 * A power cut of members of a cluster. Proven when each process that was there has ended by SIGKILL, something of them
 * was not on their disks, and the disks are there again without what was never synced. A cut in which everything was
 * synced shows nothing, and is never proven. Over when each member was started again on its disk and answers.
 */

import { type FaultAction, type SeenExit, type SeenReady, type Sight, lastSight } from '../actions/action.ts';
import { pidText } from '../actions/words.ts';
import type { LabMember, LabPowerCut } from './lab.ts';

type Victim = { readonly member: LabMember; pid: number | null; ended: Sight | null; again: Sight | null };

export class PowerLoss implements FaultAction {
  readonly #cut: LabPowerCut;
  readonly #victims: readonly Victim[];
  #proof: Sight | null = null;

  constructor(cut: LabPowerCut, members: readonly LabMember[]) {
    this.#cut = cut;
    this.#victims = members.map((member) => ({ member, pid: null, ended: null, again: null }));
  }

  inject(): void {
    for (const victim of this.#victims) victim.pid = victim.member.pid;
    this.#cut.begin();
  }

  proven(nowNs: number): Sight | null {
    this.#cut.check();
    const { unsynced } = this.#cut;
    if (this.#proof !== null || unsynced === null) return this.#proof;
    const ends = this.#victims.map(({ ended }) => ended);
    const ended = lastSight(ends, (pids) => `exit signal SIGKILL of ${pidText(pids)}`);
    const bytes = [...unsynced.values()].reduce((sum, each) => sum + each, 0);
    if (ended === null || bytes === 0) return null;
    const each = [...unsynced].map(([name, of]) => `${name} ${of / 1024}`).join(', ');
    this.#proof = { atNs: nowNs, saw: `${ended.saw}, KiB that were on no disk and are gone: ${each}` };
    return this.#proof;
  }

  heal(): void {
    this.#cut.heal();
  }

  isOver(): boolean {
    return this.#cut.isOver && this.#victims.every(({ member }) => member.isReady);
  }

  healed(): Sight | null {
    this.#cut.check();
    return lastSight(
      this.#victims.map(({ again }) => again),
      (pids) => `answers again as ${pidText(pids)}`,
    );
  }

  onExit({ name, pid, signal, nowNs }: SeenExit): boolean {
    const victim = this.#victims.find(({ member, pid: known }) => member.name === name && known === pid);
    if (victim === undefined || victim.ended !== null || signal !== 'SIGKILL') return false;
    victim.ended = { atNs: nowNs, saw: String(pid) };
    return true;
  }

  onReady({ name, pid, nowNs }: SeenReady): void {
    const victim = this.#victims.find(({ member }) => member.name === name);
    if (victim?.ended && victim.again === null) victim.again = { atNs: nowNs, saw: String(pid) };
  }
}
