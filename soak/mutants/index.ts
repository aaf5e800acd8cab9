/** Every planted bug, by class. */

import { CHECKPOINT_MUTANTS } from './checkpoint.ts';
import { INTEGRITY_MUTANTS } from './integrity.ts';
import type { Mutant } from './mutant.ts';
import { OUTBOX_MUTANTS } from './outbox.ts';

export const MUTANTS: readonly Mutant[] = [...INTEGRITY_MUTANTS, ...CHECKPOINT_MUTANTS, ...OUTBOX_MUTANTS];

export function mutantNamed(name: string): Mutant {
  const mutant = MUTANTS.find((candidate) => candidate.name === name);
  if (mutant === undefined) throw new Error(`there is no mutant ${name}`);
  return mutant;
}
