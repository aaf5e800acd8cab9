/** Every planted bug, by class. */

import { INTEGRITY_MUTANTS } from './integrity.ts';
import type { Mutant } from './mutant.ts';

export const MUTANTS: readonly Mutant[] = [...INTEGRITY_MUTANTS];

export function mutantNamed(name: string): Mutant {
  const mutant = MUTANTS.find((candidate) => candidate.name === name);
  if (mutant === undefined) throw new Error(`there is no mutant ${name}`);
  return mutant;
}
