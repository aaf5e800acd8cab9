/**
 * No process of a soak failed, and no signal that the run did not send ended a process. Finds no violation: an exit
 * that reports one is named by its failure.
 */

import { EXIT } from '../../../src/core/errors.ts';
import type { Failure } from '../../../src/fleet/exit-judgement.ts';
import { isDowngrade } from '../fault-kinds.ts';
import type { Checker, Findings, HistoryEvent } from '../history.ts';
import { FindingList } from './finding-list.ts';

/** Ends of one process that may have been unasked for, and what accounts for them. */
type Ends = {
  killed: number;
  killsAccountedFor: number;
  /** Faults that kill it, are under way, and have not yet ended it. */
  readonly killers: Set<number>;
  fenced: number;
  takeovers: number;
  /** Exits that are failures, and downgrades: the older build may refuse what it finds. */
  failures: number;
  downgrades: number;
  failedWith: number | null;
  isNamed: boolean;
};

/** Exits with these codes are failures, whatever the process was asked to do. */
const FAILED: ReadonlySet<number> = new Set([EXIT.internal, EXIT.usage, EXIT.violation]);

const NO_FAILURES = { failures: 0, downgrades: 0, failedWith: null, isNamed: false } as const;

export class ProcessesChecker implements Checker {
  readonly name = 'processes';
  readonly #found = new FindingList(this.name);
  readonly #failures: Failure[] = [];
  readonly #crashes: Failure[] = [];
  readonly #ends = new Map<string, Ends>();
  #isHalted = false;

  observe(event: HistoryEvent): void {
    if (event.event === 'failed') {
      this.#failures.push(failureOf(event));
      this.#of(event.process).isNamed = true;
    } else if (event.event === 'crashed') {
      this.#crashes.push(failureOf(event));
      this.#of(event.process).killsAccountedFor += 1;
    } else if (event.event === 'ended') {
      this.#end(event.process, event.exitCode);
    } else if (event.event === 'fault') {
      for (const target of event.target.split(' ')) this.#expect(target, event);
    } else if (event.event === 'fault-healed' || event.event === 'fault-missed') {
      for (const target of event.target.split(' ')) this.#of(target).killers.delete(event.id);
    } else if (event.event === 'doubt') {
      if (event.process !== undefined) this.#of(event.process).killsAccountedFor += 1;
    } else if (event.event === 'halted') {
      this.#isHalted = true;
    }
  }

  finish(): Findings {
    // A halted run has ended its running processes in haste.
    if (!this.#isHalted) for (const [process, ends] of this.#ends) this.#judge(process, ends);
    return { ...this.#found.findings, failures: this.#failures, crashes: this.#crashes };
  }

  #of(process: string): Ends {
    let known = this.#ends.get(process);
    if (known === undefined) {
      known = { killed: 0, killsAccountedFor: 0, killers: new Set(), fenced: 0, takeovers: 0, ...NO_FAILURES };
      this.#ends.set(process, known);
    }
    return known;
  }

  /**
   * A fault that kills accounts for one end by a signal, until it is over or given up. Other faults account for none.
   * A takeover accounts for an exit 12.
   */
  #expect(target: string, { id, kind }: { readonly id: number; readonly kind: string }): void {
    const ends = this.#of(target);
    const isKilled = kind.startsWith('kill-') || kind.startsWith('retire-') || kind === 'takeover-dead';
    if (isKilled) ends.killers.add(id);
    if (kind.startsWith('takeover-')) ends.takeovers += 1;
    if (isDowngrade(kind)) ends.downgrades += 1;
  }

  #end(process: string, exitCode: number | null): void {
    const ends = this.#of(process);
    if (exitCode === null) {
      ends.killed += 1;
      const [killer] = ends.killers;
      if (killer !== undefined && ends.killers.delete(killer)) ends.killsAccountedFor += 1;
    } else if (exitCode === EXIT.fenced) ends.fenced += 1;
    else if (FAILED.has(exitCode)) {
      ends.failures += 1;
      ends.failedWith = exitCode;
    }
  }

  #judge(process: string, ends: Ends): void {
    const { killed, killsAccountedFor: kills, fenced, takeovers, failures, downgrades, failedWith, isNamed } = ends;
    if (isNamed) return;
    if (failures > downgrades || failedWith === EXIT.violation)
      this.#found.missing(`${process} exited with ${failedWith}, and nothing says why`);
    if (killed > kills) {
      this.#found.missing(`${process} was ended by a signal ${killed} times, of which ${kills} are accounted for`);
    }
    if (fenced > takeovers) {
      this.#found.missing(`${process} was replaced ${fenced} times, of which ${takeovers} are accounted for`);
    }
  }
}

function failureOf({ process, what, exitCode, beforeReady, lastLogLines }: Failure): Failure {
  return { process, what, exitCode, beforeReady, lastLogLines };
}
