/** Runs one schedule again, and keeps what a story needs: its events without payload, and how it ended. */

import { fileURLToPath } from 'node:url';
import { BatchReader } from '../guarantee/checkers/batch-reader.ts';
import { type LoggedEvent, loggedEvent } from '../guarantee/logged-event.ts';
import { Chronicle } from '../guarantee/story/chronicle.ts';
import { mappedStack } from '../guarantee/story/mapped-stack.ts';
import type { Telling, ToldFailure } from '../guarantee/story/telling.ts';
import type { Question } from '../guarantee/story/why.ts';
import { type Finding, violationLine } from '../guarantee/violation.ts';
import type { Decorations } from './decorations.ts';
import type { Plan } from './plan.ts';
import { type Outcome, kindOf, simulate } from './simulate.ts';

/** `dist/soak/simulation/` is three folders below the root of the package. */
const SOURCE_ROOT = fileURLToPath(new URL('../../..', import.meta.url));

export type TellOptions = {
  readonly plan: Plan;
  readonly decorations?: Decorations;
  /** The planted bug in words. */
  readonly bug?: string;
  readonly stopsAtFirst?: boolean;
};

export async function tellSeed({ plan, decorations, bug, stopsAtFirst = false }: TellOptions): Promise<Telling> {
  const events: LoggedEvent[] = [];
  const reader = new BatchReader();
  const outcome = await simulate(plan, {
    listener: (entry) => void events.push(loggedEvent(entry, reader)),
    stopsAtFirst,
    ...(decorations === undefined ? {} : { decorations }),
  });
  return tellingOf(outcome, { events, bug });
}

function tellingOf(
  outcome: Outcome,
  { events, bug }: { readonly events: readonly LoggedEvent[]; readonly bug: string | undefined },
): Telling {
  const { plan, violations, inconclusive, effect, digest } = outcome;
  return {
    title: `seed ${plan.seed} (${plan.workload})`,
    verdict: verdictOf(outcome),
    remarks: [
      ...(bug === undefined ? [] : [`a bug is planted: ${bug}${effect === null ? '; it did not take effect' : ''}`]),
      `history ${digest}`,
    ],
    chronicle: new Chronicle(events),
    violations: violations.map(questionOf),
    failures: failuresOf(outcome),
    doubts: inconclusive,
    effect: effect === null ? null : { ...effect, bug: bug ?? 'a decoration has done what it is for' },
  };
}

function verdictOf(outcome: Outcome): string {
  const kind = kindOf(outcome);
  if (kind === null) return 'HOLDS';
  if (kind === 'inconclusive') return 'INCONCLUSIVE';
  return kind === 'failed' ? 'a process failed' : 'VIOLATED';
}

/** A violation as `simulate` and `detect` print it, with when and where it was seen. */
export function questionOf(finding: Finding): Question {
  const { process: _, kind: __, detail: ___, ...where } = finding;
  return { line: violationLine(finding), ...where };
}

function failuresOf({ failures, stacks }: Outcome): ToldFailure[] {
  return failures.map((line, index) => {
    const process = /^(?<name>[\w.-]+): /.exec(line)?.groups?.['name'];
    const stack = stacks[index] ?? null;
    return {
      line,
      stack: stack === null ? null : mappedStack(stack, SOURCE_ROOT),
      ...(process === undefined ? {} : { process }),
    };
  });
}
