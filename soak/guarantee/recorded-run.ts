/** What the folder of a soak says about its run: `run.json`, and whether the files still match it. */

import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { asRecord, isCount } from '../../src/core/assert.ts';
import { UsageError } from '../../src/core/errors.ts';
import { type Shape, listOf, nullable, optional, refusedField, tableOf, text } from '../../src/core/shape.ts';
import { type EnginePromises, PROMISES } from '../../src/journal/promises.ts';
import { digestFiles, isWhole } from '../../src/results/run-folder.ts';

/** The part of a run.json that a verdict and its story need. */
export type RecordedRun = {
  /** Null: the run was killed or still goes on. */
  readonly verdict: string | null;
  readonly reasons: readonly string[];
  readonly seed: number;
  readonly configuration: Readonly<Record<string, unknown>>;
  /** Of the engine that its journals were of. */
  readonly promises: EnginePromises;
  readonly digests: Readonly<Record<string, string>>;
  /** Whether run.json itself is unchanged, as far as its own digest can tell. */
  readonly isWhole: boolean;
  /** Runs that were recorded before there were whole histories may have none. */
  readonly hasDigest: boolean;
};

type Recorded = Pick<RecordedRun, 'reasons' | 'seed' | 'configuration' | 'digests'> & {
  readonly verdict?: string | null;
};
const RECORDED: Shape<Recorded> = {
  verdict: optional(nullable(text)),
  reasons: listOf(text),
  seed: isCount,
  configuration: (value) => asRecord(value) !== null,
  digests: tableOf(text),
};

/** All fields of the run.json of a soak, unchecked. Throws a UsageError when the folder is not that of a soak. */
export function readRunJson(folder: string): Readonly<Record<string, unknown>> {
  const path = join(folder, 'run.json');
  if (!existsSync(path)) throw new UsageError(`${folder} is not the folder of a run: it has no run.json`);
  let found: unknown;
  try {
    found = JSON.parse(readFileSync(path, 'utf8'));
  } catch (error) {
    throw new UsageError(`${path} is not a run.json: ${String(error)}`);
  }
  const run = asRecord(found) ?? {};
  if (run['kind'] === 'soak') return run;
  throw new UsageError(`${folder} is not the run of a soak, but of ${JSON.stringify(run['kind'])}`);
}

/** Throws a UsageError when the folder is not that of a soak, or when a field is not what a soak writes. */
export function readRecordedRun(folder: string): RecordedRun {
  const run = readRunJson(folder);
  const refused = refusedField(run, RECORDED);
  if (refused !== null)
    throw new UsageError(`${join(folder, 'run.json')}: its field "${refused}" is not what a soak writes`);
  const { verdict, reasons, seed, configuration, digests } = run as unknown as Recorded;
  const promises = PROMISES[configuration['cluster'] === undefined ? 'embedded' : 'gazette'];
  return {
    verdict: verdict ?? null,
    reasons,
    seed,
    configuration,
    promises,
    digests,
    isWhole: isWhole(run),
    hasDigest: run['digest'] !== undefined,
  };
}

/** Files of the folder that differ from what run.json says, one line each. */
export async function changedFiles(folder: string, run: RecordedRun): Promise<string[]> {
  const changed = run.isWhole ? [] : [`${join(folder, 'run.json')} was changed: its own digest does not fit`];
  for (const [name, digest] of Object.entries(run.digests)) {
    const path = join(folder, name);
    if (!existsSync(path)) changed.push(`${path} is missing: run.json has its digest`);
    else if ((await digestFiles(folder, [name]))[name] !== digest) {
      changed.push(`${path} was changed: its SHA-256 is not that in run.json`);
    }
  }
  return changed;
}
