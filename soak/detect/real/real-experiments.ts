/**
 * Runs planted bugs in real processes: for each a short soak with its whole history, which is then audited. A bug must
 * say that it took effect before any of it is found. It must be found under a right name, and the audit must agree.
 */

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { systemClock } from '../../../src/core/clock.ts';
import { makeFoldersSync } from '../../../src/core/folder.ts';
import { type Launch, componentLaunch } from '../../../src/fleet/component-process.ts';
import { type AuditOutcome, auditRun } from '../../audit/audit-run.ts';
import type { LoggedEvent } from '../../guarantee/logged-event.ts';
import { HISTORY_FOLDER, readHistory } from '../../guarantee/recorded-history.ts';
import { type Violation, violationLine } from '../../guarantee/violation.ts';
import type { SoakOptions } from '../../live/soak-options.ts';
import { runSoak } from '../../live/run.ts';
import { fakeDependencies, fakeOptions } from '../../live/testing/fake-run.ts';
import { mutantNamed } from '../../simulation/mutants/index.ts';
import { FOLLOWED } from '../live-sabotages.ts';
import type { LiveComposition } from '../live-experiments.ts';
import { PLANTED_VARIABLE, type Signal, firstSignal, makePlace } from './planted-place.ts';
import type { RealMutant } from './real-mutants.ts';

export type RealResult = {
  readonly name: string;
  /** Null: the bug did not take effect. */
  readonly signal: Signal | null;
  /** The first violation; null: none was found. */
  readonly violation: (Violation & { readonly atNs: number }) | null;
  /** The difference from what is expected; null: there is none. */
  readonly miss: string | null;
  /** The time from the first event of the run to the violation. */
  readonly seconds: number;
  /** The kept folder of the run; null: it was not kept. */
  readonly folder: string | null;
};

const MAIN = join(dirname(fileURLToPath(import.meta.url)), '../../../src/cli/main.js');
const SOURCE_ROOT = fileURLToPath(new URL('../../../..', import.meta.url));
const REGISTER = new URL('./register.js', import.meta.url).href;

/** Small and quick: a bug shows within seconds, and a run whose bug does not show ends within half a minute. */
const SHORT: Partial<SoakOptions> = {
  ...FOLLOWED,
  durationMs: 10_000,
  chunkers: 2,
  summers: 2,
  partitions: 3,
  files: 20,
  chunks: { low: 4, high: 8 },
  chunkBytes: { low: 100, high: 256 },
  rate: 1_500,
  slaMs: 10_000,
  faults: [],
  history: 'keep',
  keepData: false,
};

/** Runs the mutants in lanes, one after the other in each. */
export async function runRealMutants(options: {
  readonly mutants: readonly RealMutant[];
  readonly composition: LiveComposition;
  readonly seed: number;
  /** How many run at a time. */
  readonly jobs: number;
  /** The folder for the runs; null: they are not kept. */
  readonly results: string | null;
  readonly onResult: (result: RealResult) => void;
}): Promise<void> {
  const left = [...options.mutants];
  const lane = async (): Promise<void> => {
    for (let mutant = left.shift(); mutant !== undefined; mutant = left.shift()) {
      options.onResult(await runRealMutant(mutant, options));
    }
  };
  await Promise.all(Array.from({ length: options.jobs }, lane));
}

async function runRealMutant(
  mutant: RealMutant,
  {
    composition,
    seed,
    results,
  }: { readonly composition: LiveComposition; readonly seed: number; readonly results: string | null },
): Promise<RealResult> {
  const scratch = mkdtempSync(join(tmpdir(), 'stream-sum-planted-'));
  const kept = results === null ? null : join(results, mutant.name);
  if (kept !== null) makeFoldersSync(kept);
  try {
    makePlace(scratch);
    const soak = { ...SHORT, ...mutant.options, seed };
    const { folder } = await runSoak(fakeOptions(kept ?? scratch, soak), {
      ...fakeDependencies({}),
      ...composition,
      sourceRoot: SOURCE_ROOT,
      // What repeats the run is not the soak alone: without the bug that holds.
      commandLine: ['detect', '--real', '--mutant', mutant.name],
      launch: plantedLaunch({ name: mutant.name, seed, folder: scratch }),
      clock: systemClock,
      ...(mutant.patienceMs === undefined ? {} : { patienceMs: mutant.patienceMs }),
    });
    return await resultOf(mutant.name, { folder, scratch, kept });
  } finally {
    rmSync(scratch, { recursive: true, force: true });
  }
}

function plantedLaunch(place: { readonly name: string; readonly seed: number; readonly folder: string }): Launch {
  const { command, argv, environment } = componentLaunch(MAIN);
  return {
    command,
    argv: ['--import', REGISTER, ...argv],
    environment: { ...environment, [PLANTED_VARIABLE]: JSON.stringify(place) },
  };
}

async function resultOf(
  name: string,
  at: { readonly folder: string; readonly scratch: string; readonly kept: string | null },
): Promise<RealResult> {
  const { folder, scratch, kept } = at;
  const events: LoggedEvent[] = [];
  for (const line of readHistory(join(folder, HISTORY_FOLDER))) if (line.what === 'event') events.push(line.event);
  const found = events.find((event) => event.event === 'violation' || event.event === 'found');
  const violation = found?.event === 'violation' || found?.event === 'found' ? found : null;
  const signal = firstSignal(scratch);
  const audit = await auditRun(folder);
  const seconds = ((violation?.atNs ?? events.at(-1)?.atNs ?? 0) - (events[0]?.atNs ?? 0)) / 1e9;
  const miss = missOf({ name, signal, violation, audit });
  return { name, signal, violation, miss, seconds, folder: kept === null ? null : folder };
}

/** The difference between a run and what is expected of it; null: there is none. */
export function missOf(of: {
  readonly name: string;
  readonly signal: Signal | null;
  readonly violation: RealResult['violation'];
  readonly audit: Pick<AuditOutcome, 'disagreements' | 'rechecked'>;
}): string | null {
  const { name, signal, violation, audit } = of;
  const { kinds } = mutantNamed(name);
  if (violation === null) return signal === null ? 'did not take effect' : 'was not caught';
  if (signal === null) return `did not say that it took effect (${violationLine(violation)})`;
  if (signal.atNs >= violation.atNs)
    return `was found before it said that it took effect (${violationLine(violation)})`;
  if (!kinds.some((kind) => kind === violation.kind)) {
    return `was called ${violation.kind}, and is ${kinds.join(' or ')} (${violationLine(violation)})`;
  }
  const [disagreement] = audit.disagreements;
  if (disagreement !== undefined) return `the audit disagrees: ${disagreement}`;
  // An audit of less than everything, or of a run without a verdict, has nothing to disagree with.
  const { isAll, part, verdict } = audit.rechecked;
  if (!isAll) return `was audited in ${part} only`;
  return verdict.verdict === 'VIOLATED' ? null : `is ${verdict.verdict} by the audit`;
}
