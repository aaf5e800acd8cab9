/**
 * The folder of one run and its run.json, in the same form for every kind of run. run.json is written when the run
 * starts, without a verdict, and replaced as a whole when the run ends. A reader sees one or the other, and never half
 * of one.
 */

import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { mkdir, open, rename } from 'node:fs/promises';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { OperatingError } from '../core/errors.ts';
import { makeFoldersSync, makeUsableFolder, reasonOf } from '../core/folder.ts';
import { type Environment, type NativeVersions, readEnvironment } from './environment.ts';
import { readCommit } from './repository.ts';

export const RUN_SCHEMA_VERSION: number = 1;

export type RunFile = {
  readonly schemaVersion: number;
  readonly kind: string;
  readonly commandLine: readonly string[];
  readonly configuration: Readonly<Record<string, unknown>>;
  readonly seed: number;
  /** Null when the program does not run from its git repository. */
  readonly commit: string | null;
  readonly dirty: boolean | null;
  /**
   * The same text in two runs whose rounds were interleaved, so that equal rounds form pairs. Null or absent in other
   * runs.
   */
  readonly pairing?: string | null;
  /** Of interleaved runs: which build was first in each pair, `old` or `new`, and the seed that decided the order. */
  readonly order?: { readonly seed: number; readonly first: readonly string[] };
  readonly environment: Environment;
  /** ISO 8601, UTC. */
  readonly startedAt: string;
  /** Null while the run goes on, and for ever when it was killed. */
  readonly endedAt: string | null;
  readonly verdict: string | null;
  readonly exitCode: number | null;
  readonly reasons: readonly string[];
  /** Of a soak that has ended: how it was audited, in one line. */
  readonly audit?: string;
  /** For a soak on an engine that promises less than the embedded one: how it was judged, in lines. */
  readonly judged?: readonly string[];
  /** Of a soak that has ended: how often a signal that the run did not send ended each process. Absent: never. */
  readonly crashes?: Readonly<Record<string, number>>;
  /** For a finished soak with faults: at which moments they hit (`soak/live/faults/moments-hit.ts`). */
  readonly moments?: Readonly<Record<string, unknown>>;
  /** For a soak with several faults at once: by two families, how often faults of them were open together. */
  readonly overlaps?: Readonly<Record<string, number>>;
  /** For a finished soak: how each process's use of each resource grew, the rows of resources.csv. */
  readonly resources?: readonly Readonly<Record<string, unknown>>[];
  /** For a violated soak: one story for each cause. results/README.md describes it. */
  readonly stories?: readonly object[];
  /** For a soak: its expectations (`--expect`) and what was measured. */
  readonly expectations?: readonly object[];
  /** Single lines that a reader of the figures must know. */
  readonly remarks?: readonly string[];
  /** File name to SHA-256 of its bytes, hexadecimal. */
  readonly digests: Readonly<Record<string, string>>;
  /** SHA-256 of the other fields as JSON without blanks, hexadecimal; added when the file is written. */
  readonly digest?: string;
};

/** What runs. */
export type Program = {
  readonly versions: NativeVersions;
  /** The top of the repository that the program runs from. */
  readonly sourceRoot: string;
  /** As typed, for run.json. */
  readonly commandLine: readonly string[];
};

/** The run.json of a run that begins. `dataFolder` exists and is on the disk that the run uses. */
export async function beginRunFile(
  program: Program,
  of: Pick<RunFile, 'kind' | 'configuration' | 'seed'> & { readonly startedAt: Date; readonly dataFolder: string },
): Promise<RunFile> {
  const { kind, configuration, seed, startedAt, dataFolder } = of;
  const { commit, dirty } = await readCommit(program.sourceRoot);
  return {
    schemaVersion: RUN_SCHEMA_VERSION,
    kind,
    commandLine: program.commandLine,
    configuration,
    seed,
    commit,
    dirty,
    environment: readEnvironment(dataFolder, program.versions),
    startedAt: startedAt.toISOString(),
    endedAt: null,
    verdict: null,
    exitCode: null,
    reasons: [],
    digests: {},
  };
}

/**
 * Makes `<results>/<kind>-<UTC time>-seed<seed>`, with `-2`, `-3` ... when that exists already. Throws UsageError when
 * the folder cannot be made.
 */
export async function createRunFolder(options: {
  readonly results: string;
  readonly kind: string;
  readonly seed: number;
  readonly startedAt: Date;
}): Promise<string> {
  const { results, kind, seed, startedAt } = options;
  const stamp = startedAt
    .toISOString()
    .replace(/\.\d+Z$/, 'Z')
    .replaceAll(/[-:]/g, '');
  makeUsableFolder('--results', results);
  for (let attempt = 1; ; attempt += 1) {
    const folder = join(results, `${kind}-${stamp}-seed${seed}${attempt === 1 ? '' : `-${attempt}`}`);
    if (await makeFolder(folder)) return folder;
  }
}

/** Makes a folder and its missing parents. Throws OperatingError ERR_FOLDER. */
export function makeFolders(path: string): Promise<void> {
  try {
    makeFoldersSync(path);
    return Promise.resolve();
  } catch (cause) {
    const error = new OperatingError('ERR_FOLDER', `cannot make the folder ${path}: ${reasonOf(cause)}`, { cause });
    return Promise.reject(error);
  }
}

/** False when something already has that name. */
async function makeFolder(folder: string): Promise<boolean> {
  try {
    await mkdir(folder);
    return true;
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'EEXIST') return false;
    throw error;
  }
}

/** The write is durable, and all or nothing. */
export async function writeRunFile(folder: string, run: RunFile): Promise<void> {
  const path = join(folder, 'run.json');
  const file = await open(`${path}.part`, 'w');
  try {
    await file.writeFile(`${JSON.stringify({ ...run, digest: digestOf(run) }, null, 2)}\n`);
    await file.sync();
  } finally {
    await file.close();
  }
  await rename(`${path}.part`, path);
}

function digestOf(run: object): string {
  return createHash('sha256')
    .update(JSON.stringify({ ...run, digest: undefined }))
    .digest('hex');
}

/** Whether the file is as it was written. Unknown for a run.json without a digest, from before there were digests. */
export function isWhole(run: Readonly<Record<string, unknown>>): boolean {
  return run['digest'] === undefined || run['digest'] === digestOf(run);
}

/** SHA-256 of the named files of a folder. */
export async function digestFiles(folder: string, names: readonly string[]): Promise<Record<string, string>> {
  const digests: Record<string, string> = {};
  for (const name of names) {
    const hash = createHash('sha256');
    await pipeline(createReadStream(join(folder, name)), hash);
    digests[name] = hash.digest('hex');
  }
  return digests;
}
