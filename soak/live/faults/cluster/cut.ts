/**
 * Members or clients of a cluster that the kernel cuts off from others. Proven when the kernel has stopped a packet of
 * each of them, in whichever direction, and packets of all of them together in each direction of the cut. One member
 * alone may have nothing to send, or nothing to receive. To a client its peers send only answers, and there are none to
 * requests that are lost: what it sends is proof enough. Over when packets pass in both directions again and nothing of
 * the cut is left.
 */

import type { FaultAction, Sight } from '../actions/action.ts';
import type { LabCut, Packets } from './lab.ts';

const NONE: Packets = { out: 0, in: 0 };

export class Cut implements FaultAction {
  readonly #cut: LabCut;
  readonly #members: readonly string[];
  /** Whether packets to its peers alone prove it. */
  readonly #isProvenByOut: boolean;
  readonly #isOneWay: boolean;
  #proof: Sight | null = null;
  #healing: Sight | null = null;

  constructor(
    cut: LabCut,
    {
      members,
      isOneWay,
      isOfClients = false,
    }: { readonly members: readonly string[]; readonly isOneWay: boolean; readonly isOfClients?: boolean },
  ) {
    this.#isProvenByOut = isOneWay || isOfClients;
    this.#cut = cut;
    this.#members = members;
    this.#isOneWay = isOneWay;
  }

  inject(): void {
    this.#cut.begin();
  }

  proven(nowNs: number): Sight | null {
    this.#cut.check();
    if (this.#proof !== null) return this.#proof;
    const lost = this.#members.map((name) => this.#cut.lost.get(name) ?? NONE);
    const isEach = lost.every((packets) => packets.out + (this.#isProvenByOut ? 0 : packets.in) > 0);
    const isBoth = this.#isProvenByOut || lost.some((packets) => packets.in > 0);
    if (isEach && isBoth && lost.some((packets) => packets.out > 0)) {
      this.#proof = { atNs: nowNs, saw: `the kernel keeps packets of ${this.#members.join(' ')} from passing` };
    }
    return this.#proof;
  }

  heal(): void {
    this.#cut.heal();
  }

  isOver(): boolean {
    return this.#cut.isOver;
  }

  healed(nowNs: number): Sight | null {
    this.#cut.check();
    if (!this.#cut.isOver) return null;
    this.#healing ??= {
      atNs: nowNs,
      saw: `${this.#counted(this.#cut.lost, 'lost')}, ${this.#counted(this.#cut.passed, 'passed again')}`,
    };
    return this.#healing;
  }

  #counted(packets: ReadonlyMap<string, Packets>, what: string): string {
    const each = this.#members.map((name) => packets.get(name) ?? NONE);
    const sum = (of: (packets: Packets) => number): number => each.reduce((total, one) => total + of(one), 0);
    const incoming = this.#isOneWay && what === 'lost' ? '' : ` and ${sum((one) => one.in)} from`;
    return `${sum((one) => one.out)} packets to${incoming} its peers ${what}`;
  }
}
