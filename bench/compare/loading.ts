/**
 * One run as compare reads it: its folder, or only a samples.csv. Another program, perhaps of another version, wrote
 * these files. Everything in them is checked, and a fault is a problem in words, never an exception.
 */

import { createHash } from 'node:crypto';
import { existsSync, readFileSync, statSync } from 'node:fs';
import { basename, join } from 'node:path';
import { asRecord } from '../../src/core/assert.ts';
import { isWhole, RUN_SCHEMA_VERSION } from '../../src/results/run-folder.ts';
import type { Sample } from '../../src/results/samples.ts';
import { distrustName } from '../distrust.ts';
import { impossibleRows } from '../possible.ts';
import { type LatencyRow, parseLatencies } from './latency-file.ts';
import { parseSamples } from './samples-file.ts';

/** The part of run.json that compare uses. */
export type RunDescription = {
  readonly kind: string;
  readonly configuration: Readonly<Record<string, unknown>>;
  readonly environment: Readonly<Record<string, unknown>>;
  readonly seed: number | null;
  readonly commit: string | null;
  readonly dirty: boolean | null;
  readonly pairing: string | null;
  readonly startedAt: string | null;
  /** Null: the run was killed, or has not ended. */
  readonly verdict: string | null;
  readonly exitCode: number | null;
  readonly reasons: readonly string[];
  /** Remarks that a reader needs to judge the figures; single lines. */
  readonly remarks: readonly string[];
  /** File name to SHA-256 of its bytes. The type of the values is not checked here. */
  readonly digests?: Readonly<Record<string, unknown>>;
};

export type LoadedRun = {
  /** The path as it was given. */
  readonly path: string;
  /** Null: only a CSV, or run.json is unusable, which is a problem. */
  readonly description: RunDescription | null;
  readonly samples: readonly Sample[];
  readonly latency: readonly LatencyRow[];
  /** Why this run cannot be relied on; single lines. */
  readonly problems: readonly string[];
};

export function loadRun(path: string): LoadedRun {
  const problems: string[] = [];
  const say = (problem: string): void => {
    problems.push(`${path}: ${problem}`);
  };
  const kind = kindOf(path);
  if (kind === null) {
    say('there is no such folder or file');
    return { path, description: null, samples: [], latency: [], problems };
  }
  if (kind === 'file') {
    const { samples, problems: found } = parseSamples(readBytes(path, null, say) ?? Buffer.of());
    for (const problem of found) say(problem);
    return { path, description: null, samples, latency: [], problems };
  }
  const description = readDescription(path, say);
  const samples = readSamples(join(path, 'samples.csv'), description?.digests?.['samples.csv'] ?? null, say);
  const latency = readLatency(join(path, 'latency.csv'), description?.digests?.['latency.csv'] ?? null, say);
  if (description !== null) sayImpossible(samples, description, say);
  return { path, description, samples, latency, problems };
}

type Say = (problem: string) => void;

function kindOf(path: string): 'folder' | 'file' | null {
  const found = statSync(path, { throwIfNoEntry: false });
  return found === undefined ? null : found.isDirectory() ? 'folder' : 'file';
}

function readDescription(folder: string, say: Say): RunDescription | null {
  const run = readJson(join(folder, 'run.json'), say);
  if (run === null) return null;
  if (run['schemaVersion'] !== RUN_SCHEMA_VERSION) {
    say(
      `run.json has schema version ${JSON.stringify(run['schemaVersion'])}, this program reads ${RUN_SCHEMA_VERSION}`,
    );
    return null;
  }
  const [configuration, environment] = [asRecord(run['configuration']), asRecord(run['environment'])];
  if (typeof run['kind'] !== 'string' || configuration === null || environment === null) {
    say('run.json has no kind, configuration or environment');
    return null;
  }
  if (!isWhole(run)) say('run.json was changed after the run: its digest is not that of the rest');
  return {
    kind: run['kind'],
    configuration,
    environment,
    seed: typeof run['seed'] === 'number' ? run['seed'] : null,
    commit: textOrNull(run['commit']),
    dirty: typeof run['dirty'] === 'boolean' ? run['dirty'] : null,
    pairing: textOrNull(run['pairing']),
    startedAt: textOrNull(run['startedAt']),
    verdict: textOrNull(run['verdict']),
    exitCode: typeof run['exitCode'] === 'number' ? run['exitCode'] : null,
    reasons: textsOf(run['reasons']),
    remarks: textsOf(run['remarks']),
    digests: asRecord(run['digests']) ?? {},
  };
}

function textOrNull(value: unknown): string | null {
  return typeof value === 'string' ? value : null;
}

function textsOf(value: unknown): string[] {
  return Array.isArray(value) ? value.map(String) : [];
}

function readJson(path: string, say: Say): Record<string, unknown> | null {
  try {
    const record = asRecord(JSON.parse(readFileSync(path, 'utf8')));
    if (record === null) say(`${basename(path)} is not a JSON object`);
    return record;
  } catch (error) {
    say(`${basename(path)} cannot be read: ${firstLine(error)}`);
    return null;
  }
}

/** The bytes of a file; null, with a problem, when the file cannot be read. */
function readBytes(path: string, digest: unknown, say: Say): Buffer | null {
  try {
    const bytes = readFileSync(path);
    if (typeof digest === 'string' && createHash('sha256').update(bytes).digest('hex') !== digest) {
      say(`${basename(path)} was changed after the run: its SHA-256 is not that of run.json`);
    }
    return bytes;
  } catch (error) {
    say(`${basename(path)} cannot be read: ${firstLine(error)}`);
    return null;
  }
}

function readSamples(path: string, digest: unknown, say: Say): readonly Sample[] {
  const bytes = readBytes(path, digest, say);
  if (bytes === null) return [];
  const { samples, problems } = parseSamples(bytes);
  for (const problem of problems) say(`${basename(path)}: ${problem}`);
  return samples;
}

/** A run without a flow has no such file, unless run.json has its digest. */
function readLatency(path: string, digest: unknown, say: Say): readonly LatencyRow[] {
  if (digest === null && !existsSync(path)) return [];
  const bytes = readBytes(path, digest, say);
  if (bytes === null) return [];
  const { rows, problems } = parseLatencies(bytes);
  for (const problem of problems) say(`${basename(path)}: ${problem}`);
  return rows;
}

function sayImpossible(samples: readonly Sample[], { environment }: RunDescription, say: Say): void {
  const { cores } = environment;
  if (typeof cores !== 'number') return;
  for (const { row, rounds, coresUsed } of impossibleRows(samples, cores)) {
    const where = `${distrustName(row)} in ${rounds.length === 1 ? 'round' : 'rounds'} ${rounds.join(', ')}`;
    say(`${where}: ${coresUsed.toFixed(2)} CPU-seconds a second on ${cores} cores, so its rate is impossible`);
  }
}

function firstLine(error: unknown): string {
  return (error instanceof Error ? error.message : String(error)).split('\n')[0] ?? '';
}
