/**
 * The verdict of a run, from what was seen of it. Nothing unverified is reported as verified (invariant 8): HOLDS needs
 * evidence that the load, the faults and the checks all took place.
 */

import { EXIT, type ViolationKind, type ViolationWitness } from '../../src/core/errors.ts';
import { formatCount, formatDuration } from '../../src/core/units.ts';
import type { Failure } from '../../src/fleet/exit-judgement.ts';
import type { FaultKind } from './fault-kinds.ts';
import type { Phase } from './phase.ts';

/** A violation and the process that saw it. */
export type RecordedViolation = {
  readonly process: string;
  readonly kind: ViolationKind;
  readonly detail: string;
} & ViolationWitness;

/** Shorter phases need not show any flow. */
export const FLOW_SECONDS_MIN: number = 1;

/** What flowed while a timed phase lasted. */
export type PhaseFlow = {
  readonly phase: Phase;
  readonly seconds: number;
  readonly chunksPublished: number;
  readonly sumsVerified: number;
};

/** How the faults of one kind went. */
export type FaultTally = {
  /** Begun, whatever came of it; one that was drawn in the place of one that missed counts in its place. */
  injected: number;
  /** A probe saw it bite. */
  proven: number;
  /** After its healing, each partition that it hit had a verified sum whose last chunk was intended after the fault. */
  recovered: number;
};

export type ChunkerEnd = {
  readonly process: string;
  /** Null: it never said that it had drained. */
  readonly drained: { readonly verifiedTotal: number; readonly filesCompletedTotal: number } | null;
  /** By its last report. */
  readonly sumsOutstanding: number;
};

export type RunEvidence = {
  readonly violations: readonly RecordedViolation[];
  readonly violationCount: number;
  readonly failures: readonly Failure[];
  /** Processes that were ended by a signal which this run did not send, and started again. */
  readonly crashes: readonly Failure[];
  /** How the user ended the run, if at all. */
  readonly interrupted: 'no' | 'drained' | 'at once';
  readonly phases: readonly PhaseFlow[];
  /** By the meters. */
  readonly sumsVerified: number;
  /** The same, added up over the phases of the sampler; absent: nobody sampled. */
  readonly sumsSampled?: number;
  /** Kinds of faults of which each was to hit. */
  readonly faultsAsked: readonly FaultKind[];
  readonly faults: ReadonlyMap<FaultKind, FaultTally>;
  readonly chunkers: readonly ChunkerEnd[];
  /** One line for each process that did not end as it was asked to, and for each check that could not be made. */
  readonly unproven: readonly string[];
};

export type Verdict = {
  readonly verdict: 'HOLDS' | 'VIOLATED' | 'INCONCLUSIVE';
  readonly exitCode: number;
  /** One line each; none when it holds. */
  readonly reasons: readonly string[];
};

/**
 * A violation beats a failure of a process, which beats everything that is merely missing. A process that refused its
 * arguments or its data folder at its start (exit 2) makes that the exit code of the run.
 *
 * A process that was ended by a signal which nobody sent is started again, and the run goes on to its end, so that it
 * shows whether the guarantee held. It never ends in HOLDS: no process may die so, and restarting it hides nothing.
 */
export function decideVerdict(evidence: RunEvidence): Verdict {
  const violated = evidence.failures.filter((failure) => failure.exitCode === EXIT.violation);
  if (evidence.violationCount > 0 || violated.length > 0) {
    const named = new Set(evidence.violations.map(({ process }) => process));
    const unnamed = evidence.failures.filter(
      ({ process, exitCode }) => exitCode !== EXIT.violation || !named.has(process),
    );
    const reasons = [...evidence.violations.map(violationLine), ...failureLines(unnamed)];
    const more = evidence.violationCount - evidence.violations.length;
    if (more > 0) reasons.push(`and ${formatCount(more)} more in violations.csv`);
    reasons.push(...failureLines(evidence.crashes), ...evidence.unproven);
    return { verdict: 'VIOLATED', exitCode: EXIT.violation, reasons };
  }
  if (evidence.failures.length > 0) {
    const usage = evidence.failures.some(({ exitCode, beforeReady }) => exitCode === EXIT.usage && beforeReady);
    const exitCode = usage ? EXIT.usage : EXIT.internal;
    const lines = failureLines([...evidence.failures, ...evidence.crashes]);
    return { verdict: 'INCONCLUSIVE', exitCode, reasons: [...lines, ...evidence.unproven] };
  }
  const reasons = missingEvidence(evidence);
  if (evidence.crashes.length > 0) {
    const held = reasons.length === 0 ? ['but for that, the guarantee held'] : reasons;
    return { verdict: 'INCONCLUSIVE', exitCode: EXIT.internal, reasons: [...failureLines(evidence.crashes), ...held] };
  }
  if (reasons.length > 0) {
    if (evidence.interrupted === 'drained')
      reasons.unshift('interrupted before everything that was asked for was shown');
    return { verdict: 'INCONCLUSIVE', exitCode: EXIT.inconclusive, reasons };
  }
  return { verdict: 'HOLDS', exitCode: EXIT.holds, reasons };
}

/**
 * The verdict of a run of which not everything could be written: what was found stays found, but nothing holds whose
 * evidence nobody can read.
 */
export function withUnwritten(verdict: Verdict, unwritten: readonly string[]): Verdict {
  if (unwritten.length === 0) return verdict;
  const reasons = [...verdict.reasons, ...unwritten];
  if (verdict.verdict !== 'HOLDS') return { ...verdict, reasons };
  return { verdict: 'INCONCLUSIVE', exitCode: EXIT.inconclusive, reasons };
}

export function violationLine(violation: RecordedViolation): string {
  const { process, kind, journal, offset, file, index, detail } = violation;
  const witness = Object.entries({ journal, offset, file, index })
    .filter(([, value]) => value !== undefined)
    .map(([name, value]) => ` ${name}=${value}`);
  return `${process}: ${kind}${witness.join('')}: ${detail}`;
}

function failureLines(failures: readonly Failure[]): string[] {
  return failures.flatMap(({ process, what, lastLogLines }) => [
    `${process}: ${what}`,
    ...lastLogLines.map((line) => `  ${process}'s log: ${line}`),
  ]);
}

function missingEvidence(evidence: RunEvidence): string[] {
  const reasons: string[] = [];
  if (evidence.interrupted === 'at once') reasons.push('stopped by the user before everything was verified');
  for (const { phase, seconds, chunksPublished, sumsVerified } of evidence.phases) {
    if (chunksPublished === 0 && seconds >= FLOW_SECONDS_MIN) reasons.push(`no chunks flowed in the phase ${phase}`);
    // In a warm-up the first files may still be open; each other phase claims something of its own.
    else if (sumsVerified === 0 && phase !== 'warm-up') {
      reasons.push(`no sum was verified in the phase ${phase} of ${formatDuration(seconds * 1e3)}`);
    }
  }
  if (evidence.phases.length === 0) reasons.push('no phase was finished');
  if (evidence.sumsVerified === 0) reasons.push('no sums were verified');
  reasons.push(...contradictedCounts(evidence));
  if (evidence.faultsAsked.length > 0) reasons.push(...missingFaults(evidence));
  reasons.push(...evidence.unproven);
  for (const { process, drained, sumsOutstanding } of evidence.chunkers) {
    if (drained === null) {
      reasons.push(
        `${process} did not report to the end; ${formatCount(sumsOutstanding)} of its sums were outstanding`,
      );
    } else if (drained.verifiedTotal < drained.filesCompletedTotal) {
      const { verifiedTotal, filesCompletedTotal } = drained;
      reasons.push(`${process} completed ${filesCompletedTotal} files and verified ${verifiedTotal}`);
    } else if (drained.filesCompletedTotal === 0) reasons.push(`${process} completed no file`);
  }
  return reasons;
}

/** What was counted twice, or not, on its way from the chunkers over the meters to the phases. */
function contradictedCounts({ sumsVerified, sumsSampled, chunkers, interrupted }: RunEvidence): string[] {
  const reasons: string[] = [];
  if (sumsSampled !== undefined && sumsSampled !== sumsVerified && interrupted !== 'at once') {
    reasons.push(`the phases count ${formatCount(sumsSampled)} sums, and the meters ${formatCount(sumsVerified)}`);
  }
  const ofChunkers = chunkers.reduce((sums, { drained }) => sums + (drained?.verifiedTotal ?? 0), 0);
  // What a chunker did not verify is said for itself.
  const areDone = chunkers.every(
    ({ drained }) => drained !== null && drained.verifiedTotal >= drained.filesCompletedTotal,
  );
  if (areDone && sumsVerified > ofChunkers) {
    reasons.push(`the meters count ${formatCount(sumsVerified)} sums, and the chunkers ${formatCount(ofChunkers)}`);
  }
  return reasons;
}

function missingFaults({ faults, faultsAsked }: RunEvidence): string[] {
  const proven = [...faults.values()].reduce((total, tally) => total + tally.proven, 0);
  if (proven === 0) return ['faults were asked for but none took effect'];
  const reasons: string[] = [];
  for (const kind of faultsAsked) {
    if (!faults.has(kind)) reasons.push(`the fault ${kind} was asked for and never injected`);
  }
  for (const [kind, tally] of faults) {
    if (tally.injected > 0 && tally.proven === 0) reasons.push(`the fault ${kind} never took effect`);
    else if (tally.proven < tally.injected) {
      reasons.push(`${tally.injected - tally.proven} of ${tally.injected} faults ${kind} were not seen to hit`);
    } else if (tally.recovered < tally.proven) {
      const missed = tally.proven - tally.recovered;
      reasons.push(`${missed} of ${tally.proven} faults ${kind} have not recovered in every partition that they hit`);
    }
  }
  return reasons;
}
