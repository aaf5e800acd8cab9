/** The lines about one experiment: a statement of whether its bug took effect and was caught, then what led to it. */

import { whyOf } from '../guarantee/story/telling.ts';
import { tellSeed } from '../simulation/seed-telling.ts';
import { mutantNamed } from '../simulation/mutants/index.ts';
import { type ExperimentResult, planted } from './experiment.ts';

/** Runs the schedule again for its story; a schedule is the same each time. */
export async function singleLines(result: ExperimentResult): Promise<string[]> {
  const { of, name, reasons, violation } = result;
  const lines = [...(of === 'mutant' ? [statementOf(result)] : []), ...(reasons.length === 0 ? ['HOLDS'] : reasons)];
  if (violation === null) return lines;
  const bug = of === 'mutant' ? { bug: mutantNamed(name).bug } : {};
  const telling = await tellSeed({ ...planted(result), ...bug, stopsAtFirst: true });
  return [...lines, ...whyOf(telling)];
}

/** One sentence: whether the bug took effect, and what came of it. */
export function statementOf({ name, seed, tookEffect, violation }: ExperimentResult): string {
  const { kinds } = mutantNamed(name);
  const bug = `the bug ${name} under seed ${seed}`;
  if (tookEffect && violation === null) return `${bug} took effect and was not caught`;
  if (violation === null)
    return `${bug} did not take effect: this schedule does not test the checkers, so try another seed`;
  const isRight = kinds.some((kind) => kind === violation.kind);
  const named = isRight ? `by a right name, ${violation.kind}` : `as ${violation.kind}, and is ${kinds.join(' or ')}`;
  if (tookEffect) return `${bug} took effect and was caught ${named}`;
  const why = 'its signal is wrong, or another bug caused the violation';
  return `${bug} was caught ${named}, but never said that it took effect: ${why}`;
}
