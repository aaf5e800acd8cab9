/** Every planted bug, by class. */

import { ADDRESSING_MUTANTS } from './addressing.ts';
import { CHECKPOINT_MUTANTS } from './checkpoint.ts';
import { DEPARTURES_MUTANTS } from './departures.ts';
import { DURABILITY_MUTANTS } from './durability.ts';
import { FENCING_MUTANTS } from './fencing.ts';
import { FOLDING_MUTANTS } from './folding.ts';
import { GAZETTE_MUTANTS } from './gazette.ts';
import { GENERATION_MUTANTS } from './generation.ts';
import { INTRUDER_MUTANTS } from './intruders.ts';
import { INTEGRITY_MUTANTS } from './integrity.ts';
import { LIVENESS_MUTANTS } from './liveness.ts';
import { OLDER_COPY_MUTANTS } from './older-copies.ts';
import { OUTBOX_MUTANTS } from './outbox.ts';
import { PRODUCERS_MUTANTS } from './producers.ts';
import { RECOVERY_MUTANTS } from './recovery.ts';
import { RETENTION_MUTANTS } from './retention.ts';
import { SESSIONS_MUTANTS } from './sessions.ts';
import { STATE_LOG_MUTANTS } from './state-log.ts';
import { SUMS_MUTANTS } from './sums.ts';
import { TAKEOVER_MUTANTS } from './takeover.ts';
import { TRIMMED_MUTANTS } from './trimmed.ts';
import { VERIFICATION_MUTANTS } from './verification.ts';
import type { Mutant } from './mutant.ts';

export const MUTANTS: readonly Mutant[] = [
  ...CHECKPOINT_MUTANTS,
  ...OUTBOX_MUTANTS,
  ...RECOVERY_MUTANTS,
  ...TAKEOVER_MUTANTS,
  ...FENCING_MUTANTS,
  ...FOLDING_MUTANTS,
  ...LIVENESS_MUTANTS,
  ...INTEGRITY_MUTANTS,
  ...DURABILITY_MUTANTS,
  ...OLDER_COPY_MUTANTS,
  ...ADDRESSING_MUTANTS,
  ...RETENTION_MUTANTS,
  ...SUMS_MUTANTS,
  ...GENERATION_MUTANTS,
  ...PRODUCERS_MUTANTS,
  ...INTRUDER_MUTANTS,
  ...VERIFICATION_MUTANTS,
  ...SESSIONS_MUTANTS,
  ...DEPARTURES_MUTANTS,
  ...GAZETTE_MUTANTS,
  ...STATE_LOG_MUTANTS,
  ...TRIMMED_MUTANTS,
];

export function mutantNamed(name: string): Mutant {
  const mutant = MUTANTS.find((candidate) => candidate.name === name);
  if (mutant === undefined) throw new Error(`there is no mutant ${name}`);
  return mutant;
}
