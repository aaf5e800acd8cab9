/** A soak as a run with a folder: makes the folder, runs the soak, decides the verdict, and records the results. */

import { rm } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import type { Audit, Connect } from './audit/end-audit.ts';
import type { Clock } from '../../src/core/clock.ts';
import { assert } from '../../src/core/assert.ts';
import { EXIT, UsageError } from '../../src/core/errors.ts';
import { folderError, makeUsableFolder, removeFolders } from '../../src/core/folder.ts';
import {
  beginRunFile,
  createRunFolder,
  digestFiles,
  makeFolders,
  type Program,
  type RunFile,
  writeRunFile,
} from '../../src/results/run-folder.ts';
import type { Launch } from '../../src/fleet/component-process.ts';
import type { Display } from './display.ts';
import { type SoakEngine, type StartEngine, engineText, promisesOf } from './engine.ts';
import { FlightRecorder } from './flight-recorder.ts';
import { WholeRecorder } from './whole-recorder.ts';
import { HISTORY_FOLDER } from '../guarantee/recorded-history.ts';
import { WHOLE_FOLDER } from '../guarantee/whole-history.ts';
import { type Endpoint, chooseEndpoint } from '../../src/fleet/broker-address.ts';
import type { InterruptSignal } from '../../src/fleet/interrupt.ts';
import { isCutting } from './faults/cluster/cuts.ts';
import { spareNames } from './faults/fleet-target.ts';
import { processNames } from './faults/planned-fault.ts';
import { AUDITOR_LINK, RelayedLinks } from './faults/relay/relayed-links.ts';
import type { Failure } from '../../src/fleet/exit-judgement.ts';
import type { LiveDecorations } from './decorations.ts';
import type { SoakOptions } from './soak-options.ts';
import { ownFailure } from './own-failure.ts';
import { outlookLines, outlookOf } from './outlook.ts';
import { SOAK_FILES, SoakFiles } from './soak-files.ts';
import { StoryFacts } from '../guarantee/story/story-facts.ts';
import { SELF } from './sampler.ts';
import { Conductor } from './conductor.ts';
import { conclude } from './conclusion.ts';
import { partsOf, writeEnd } from './run-end.ts';
import type { ToldRun } from './summary.ts';
import { verdictScreen } from './verdict-screen.ts';
import type { ConductorOptions } from './conductor-options.ts';
import type { RunOutcome } from './run-outcome.ts';
import { type Watchers, openWatchers } from './watchers.ts';
import type { Verdict } from '../guarantee/verdict.ts';

/** Writes the report of a run whose folder is complete. Returns one line about it. */
export type Report = (folder: string) => Promise<string>;

export type SoakDependencies = Program & {
  readonly launch: Launch;
  /** The build by which the run begins, and its commit if it is known; absent: this one. */
  readonly older?: { readonly launch: Launch; readonly commit: string | null };
  readonly clock: Clock;
  readonly display: Display;
  readonly audit: Audit | null;
  /** Null: there are no journals to follow. */
  readonly connect: Connect | null;
  /** Starts or finds a cluster; null: clusters are not supported. */
  readonly startEngine?: StartEngine | null;
  /** Absent or null: no report is made. */
  readonly report?: Report | null;
  /** Sabotage of the harness. */
  readonly decorations?: LiveDecorations;
  readonly patienceMs?: number;
  /** Registers the function that an interrupt calls; returns a function that undoes it. */
  onInterrupt(interrupt: (signal: InterruptSignal) => void): () => void;
  /** The width of the terminal for the verdict; absent: there is none. */
  readonly columns?: () => number | undefined;
};

export type SoakResult = {
  readonly verdict: Verdict;
  readonly folder: string;
  /** The exit code of the verdict or of an unmet expectation. */
  readonly exitCode: number;
  /** Everything that was told about the run. */
  readonly told: ToldRun;
};

/** Runs a whole soak. Throws OperatingError or UsageError when it cannot even begin. */
export async function runSoak(options: SoakOptions, dependencies: SoakDependencies): Promise<SoakResult> {
  // This comes first, because a port that cannot be used must leave nothing behind.
  const watchers = await openWatchers(options);
  try {
    return await runWatched(options, dependencies, watchers);
  } finally {
    watchers.close();
  }
}

async function runWatched(
  options: SoakOptions,
  dependencies: SoakDependencies,
  watchers: Watchers,
): Promise<SoakResult> {
  const { clock, display } = dependencies;
  const outlook = outlookOf(options);
  const startedAt = new Date();
  // Checked before anything else is made: an unusable folder leaves nothing behind.
  if (options.data !== null) makeUsableFolder('--data', options.data);
  const made = makeUsableFolder('--results', options.results);
  const folder = await createRunFolder({ results: options.results, kind: 'soak', seed: options.seed, startedAt });
  const dataFolder = resolve(options.data ?? join(folder, 'data'));
  await makeFolders(dataFolder);
  const logsFolder = join(folder, 'logs');
  const engine = await startEngine(folder, { options, dependencies, made, dataFolder, logsFolder });
  const endpoint = engine === null ? await chooseEndpoint(options.transport, dataFolder) : endpointOf(engine);
  let links: RelayedLinks | null = null;
  try {
    const { older = null } = dependencies;
    const before = older === null ? {} : { upgradeFromCommit: older.commit };
    const configuration = { ...options, ...before, dataFolder, endpoint: endpoint.address };
    const { seed } = options;
    const run = await beginRunFile(dependencies, { kind: 'soak', configuration, seed, startedAt, dataFolder });
    const startNs = clock.nowNs();
    const onUnwritten = (line: string): void => display.say(line);
    const begun = await beginRecord(folder, { run, options, made, startNs, clock, onUnwritten });
    const { files, flightRecorder } = begun;
    display.say(`soak: seed ${options.seed}, results in ${folder}`);
    if (watchers.metricsUrl !== null) display.say(`metrics: ${watchers.metricsUrl}`);
    for (const line of outlookLines(outlook, options)) display.say(line);
    const failures: Failure[] = [];
    let onFailure = (failure: Failure): void => void failures.push(failure);
    try {
      const ears = { clock, onFailure: (why: Failure) => onFailure(why) };
      links = await startLinks({ options, endpoint, dataFolder, logsFolder, ...ears });
    } catch (error) {
      await neverBegan(folder, { run, files, flightRecorder, error });
      throw error;
    }
    const facts = new StoryFacts();
    const conductor = new Conductor({
      options,
      ...watchers,
      launch: dependencies.launch,
      older: older?.launch ?? null,
      endpoint: endpoint.address,
      links,
      engine,
      dataFolder,
      logsFolder,
      ...begun,
      facts,
      display,
      clock,
      startNs,
      drainMsMax: outlook.drainMsMax,
      faults: [...outlook.faults.keys()],
      audit: engine === null ? dependencies.audit : engine.audit,
      connect: engine === null ? dependencies.connect : engine.connect,
      ...(dependencies.decorations === undefined ? {} : { decorations: dependencies.decorations }),
      ...(dependencies.patienceMs === undefined ? {} : { patienceMs: dependencies.patienceMs }),
    });
    onFailure = (failure) => conductor.onFailure(failure);
    for (const failure of failures) onFailure(failure);
    const release = dependencies.onInterrupt((signal) => conductor.interrupt(signal));
    let outcome: RunOutcome;
    try {
      outcome = await conductor.run();
    } finally {
      release();
      // Its members write into the data folder.
      await engine?.stop();
    }
    const resources = watchers.resources.rows();
    const ended = await writeEnd(folder, {
      ...begun,
      options,
      outcome,
      facts,
      run,
      startNs,
      resources,
      say: onUnwritten,
    });
    const { verdict, ending, judged } = ended;
    const keptData = await disposeOfData(options, verdict, dataFolder);
    const elapsedMs = (clock.nowNs() - startNs) / 1e6;
    const how = { audit: outcome.audit, engine: engineText(options), judged };
    const summary = {
      ...partsOf(options, outcome),
      ...totalsOf(outcome),
      ...how,
      verdict,
      elapsedMs,
      folder,
      keptData,
    };
    const scheduled = [...outlook.faults.keys()];
    const told = await conclude(summary, ending, { dataFolder, facts, startNs, run, scheduled, say: onUnwritten });
    if (dependencies.report) display.say(await reportLine(folder, dependencies.report));
    display.finish(verdictScreen(told, dependencies.columns?.()));
    return { verdict, folder, exitCode: told.exitCode, told };
  } finally {
    await links?.close();
    await engine?.stop();
    await endpoint.remove();
  }
}

/** Null: the run has its own broker. A cluster that cannot be started leaves no folder. */
async function startEngine(
  folder: string,
  of: {
    readonly options: SoakOptions;
    readonly dependencies: SoakDependencies;
    /** Parent folders that were made for it. */
    readonly made: readonly string[];
    readonly dataFolder: string;
    readonly logsFolder: string;
  },
): Promise<SoakEngine | null> {
  const { options, dependencies, made, dataFolder, logsFolder } = of;
  const { cluster, partitions, summers, chunkers } = options;
  const { startEngine: start, display } = dependencies;
  if (cluster === undefined) return null;
  assert(start !== undefined && start !== null, 'whoever asks for a cluster can start it');
  const clients = [...processNames('summer', summers), ...processNames('chunker', chunkers)];
  const say = (line: string): void => display.say(line);
  try {
    await makeFolders(logsFolder);
    const isCut = options.faults.includes('network') || options.faultPlan?.some(({ kind }) => isCutting(kind)) === true;
    const isPowerCut = options.faults.includes('powerloss');
    const isContinued = options.data !== null;
    return await start({ cluster, partitions, dataFolder, logsFolder, clients, isContinued, isCut, isPowerCut, say });
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    await rm(folder, { recursive: true, force: true });
    removeFolders(made);
    throw error;
  }
}

function endpointOf({ address }: SoakEngine): Endpoint {
  return { address, remove: async () => undefined };
}

/** The verdict does not depend on the report. If it cannot be made, the line says so, and how to make it later. */
async function reportLine(folder: string, report: Report): Promise<string> {
  try {
    return `report: ${await report(folder)}`;
  } catch (error) {
    return `no report: ${String(error)}; \`stream-sum report ${folder}\` makes it from the folder`;
  }
}

/** A relay between the broker and each client, when links are to be hurt; null when they are not. */
async function startLinks(of: {
  readonly options: SoakOptions;
  readonly endpoint: Endpoint;
  readonly dataFolder: string;
  readonly logsFolder: string;
  readonly clock: Clock;
  readonly onFailure: (failure: Failure) => void;
}): Promise<RelayedLinks | null> {
  const { options, endpoint, dataFolder, logsFolder, clock, onFailure } = of;
  const { transport, faults, summers, chunkers } = options;
  if (!faults.includes('partition')) return null;
  await makeFolders(logsFolder);
  return RelayedLinks.start({
    transport,
    folder: dataFolder,
    broker: endpoint.address,
    links: [...processNames('summer', summers), ...processNames('chunker', chunkers), AUDITOR_LINK],
    clock,
    logPath: join(logsFolder, 'relay.log'),
    onFailure,
  });
}

/** Records that the run could not begin, although its folder is there. */
async function neverBegan(
  folder: string,
  of: {
    readonly run: RunFile;
    readonly files: SoakFiles;
    readonly flightRecorder: FlightRecorder;
    readonly error: unknown;
  },
): Promise<void> {
  const { run, files, flightRecorder, error } = of;
  files.close();
  flightRecorder.close();
  const { what, exitCode } = ownFailure(error);
  const digests = await digestFiles(folder, SOAK_FILES);
  const endedAt = new Date().toISOString();
  const reasons = [`the run could not begin: ${what}`];
  await writeRunFile(folder, { ...run, endedAt, verdict: 'INCONCLUSIVE', exitCode, reasons, digests });
}

/** Records that the run begins. When nothing can be written, throws UsageError and leaves no folder. */
async function beginRecord(
  folder: string,
  of: {
    readonly run: RunFile;
    readonly options: SoakOptions;
    /** Parent folders that were made for it. */
    readonly made: readonly string[];
    readonly startNs: number;
    readonly clock: Clock;
    readonly onUnwritten: (line: string) => void;
  },
): Promise<Pick<ConductorOptions, 'files' | 'flightRecorder' | 'wholeRecorder'>> {
  const { run, options, made, startNs, clock, onUnwritten } = of;
  const summers = processNames('summer', options.summers);
  const spares = options.faults.includes('takeover') ? summers.flatMap(spareNames) : [];
  const own = options.cluster === undefined ? ['broker'] : [];
  const processes = [...own, ...summers, ...spares, ...processNames('chunker', options.chunkers), SELF];
  try {
    await writeRunFile(folder, run);
    return {
      files: new SoakFiles(folder, { startNs, processes, onUnwritten }),
      flightRecorder: new FlightRecorder(join(folder, HISTORY_FOLDER), {
        clock,
        onUnwritten,
        promises: promisesOf(options),
      }),
      wholeRecorder:
        options.history === 'keep' ? new WholeRecorder(join(folder, WHOLE_FOLDER), { clock, onUnwritten }) : null,
    };
  } catch (cause) {
    if (typeof (cause as { code?: unknown } | null)?.code !== 'string') throw cause;
    await rm(folder, { recursive: true, force: true });
    removeFolders(made);
    throw folderError('--results', options.results, cause);
  }
}

/** Files of this run. For a resumed producer they include its earlier files. */
function totalsOf(outcome: RunOutcome): {
  violations: number;
  filesVerified: number;
  filesCompleted: number;
  sumsOutstanding: number;
} {
  const { sumsVerified } = outcome.meter.totals();
  const sumsOutstanding = outcome.meter.sumsMissing();
  return {
    violations: outcome.violationCount,
    filesVerified: sumsVerified,
    filesCompleted: sumsVerified + sumsOutstanding,
    sumsOutstanding,
  };
}

/** A fresh data folder is removed, unless it is to be kept or is evidence of a failure. Returns where it is kept. */
async function disposeOfData(options: SoakOptions, verdict: Verdict, dataFolder: string): Promise<string | null> {
  const evidence = verdict.exitCode === EXIT.violation || verdict.exitCode === EXIT.internal;
  if (options.data !== null || options.keepData || evidence) return dataFolder;
  await rm(dataFolder, { recursive: true, force: true });
  return null;
}
