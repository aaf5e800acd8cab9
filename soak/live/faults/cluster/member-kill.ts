/**
 * SIGKILL of members of a cluster, which stay down as long as planned. Proven by the exit of each pid that was there,
 * by that signal. Over when each member was started again and answers.
 */

import { type FaultAction, type SeenExit, type SeenReady, type Sight, lastSight } from '../actions/action.ts';
import { pidText } from '../actions/words.ts';
import type { LabMember } from './lab.ts';

type Victim = { readonly member: LabMember; pid: number | null; ended: Sight | null; again: Sight | null };

export class MemberKill implements FaultAction {
  readonly #victims: readonly Victim[];

  constructor(members: readonly LabMember[]) {
    this.#victims = members.map((member) => ({ member, pid: null, ended: null, again: null }));
  }

  inject(): void {
    for (const victim of this.#victims) victim.pid = victim.member.pid;
    for (const { member } of this.#victims) void member.kill();
  }

  proven(): Sight | null {
    return lastSight(
      this.#victims.map(({ ended }) => ended),
      (pids) => `exit signal SIGKILL of ${pidText(pids)}`,
    );
  }

  heal(): void {
    for (const { member } of this.#victims) if (member.pid === null) member.start();
  }

  isOver(): boolean {
    return this.#victims.every(({ member }) => member.isReady);
  }

  healed(): Sight | null {
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
