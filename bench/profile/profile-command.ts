/** `stream-sum profile`: a profiler on one component of a real pipeline. */

import { mkdir, readdir, rename, rm } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import type { Command } from 'commander';
import {
  checkedBy,
  countWithin,
  makeCommand,
  oneOf,
  parseRate,
  rangeOf,
  requireOptions,
  valueOption,
} from '../../src/component/flags.ts';
import { PARTITIONS_MAX } from '../../src/journal/journals.ts';
import type { Component } from '../../src/component/protocol.ts';
import { EXIT, OperatingError, exitCodeOf, interruptedError } from '../../src/core/errors.ts';
import { parseBytes, parseCount, parseDuration } from '../../src/core/units.ts';
import { beginRunFile, createRunFolder, writeRunFile } from '../../src/results/run-folder.ts';
import { chooseEndpoint } from '../../src/fleet/broker-address.ts';
import { onInterrupt } from '../../src/fleet/interrupt.ts';
import { thisProgram } from '../program.ts';
import { type Stage, StageError, runPipeline } from './pipeline.ts';
import { TOOLS, type Tool, isClinic, launchOf, wayOut } from './tools.ts';

const COMPONENTS = ['broker', 'summer', 'chunker'] as const;

type Flags = {
  component: Component;
  tool: Tool;
  duration: number;
  seed: number;
  rate: string;
  files: string;
  chunks: string;
  chunkBytes: string;
  partitions: number;
  results: string;
};

export function profileCommand(): Command {
  const command = makeCommand('profile', 'Run a pipeline of three processes, one of them under a profiler.')
    .addOption(valueOption(`--component <${COMPONENTS.join('|')}>`, 'the profiled process', oneOf(COMPONENTS)))
    .addOption(
      valueOption(
        '--tool <name>',
        "the profiler: doctor, flame, bubbleprof and heap are clinic's; cpu-prof and heap-prof are Node's own",
        oneOf(TOOLS),
        'flame',
      ),
    )
    .addOption(valueOption('--duration <time>', 'how long the pipeline runs', parseDuration, '15s'))
    .addOption(valueOption('--seed <n>', 'decides the data', parseCount, '1'))
    .addOption(
      valueOption(
        '--rate <n|max>',
        'chunks a second, on an open-loop schedule; max: as fast as acknowledged',
        checkedBy(parseRate),
        'max',
      ),
    )
    .addOption(valueOption('--files <n>', 'files open at once', checkedBy(countWithin(1, 1_000_000)), '100'))
    .addOption(valueOption('--chunks <n|a..b>', 'data chunks of a file', checkedBy(rangeOf(parseCount)), '100'))
    .addOption(valueOption('--chunk-bytes <size|a..b>', 'bytes of a chunk', checkedBy(rangeOf(parseBytes)), '32'))
    .addOption(valueOption('--partitions <n>', 'chunk journals', countWithin(1, PARTITIONS_MAX), '8'))
    .option('--results <folder>', "the run's own folder is made in it", 'results')
    .action((flags: Flags) => runProfile(flags));
  return requireOptions(command, '--component');
}

function say(line: string): void {
  process.stderr.write(`${line}\n`);
}

async function runProfile(flags: Flags): Promise<void> {
  const { results, ...configuration } = flags;
  const { component, tool, seed } = flags;
  const startedAt = new Date();
  const folder = await createRunFolder({ results, kind: 'profile', seed, startedAt });
  const begun = await beginRunFile(thisProgram(), {
    kind: 'profile',
    configuration,
    seed,
    startedAt,
    dataFolder: folder,
  });
  await writeRunFile(folder, begun);
  const end = (exitCode: number, reasons: readonly string[]): Promise<void> =>
    writeRunFile(folder, { ...begun, endedAt: new Date().toISOString(), exitCode, reasons });
  const interrupted = new AbortController();
  const release = onInterrupt(() => interrupted.abort());
  // On the disk of the results, as in any other run.
  const [data, raw] = [resolve(folder, 'data'), resolve(folder, 'raw')];
  const logsFolder = join(folder, 'logs');
  for (const made of [data, raw, logsFolder]) await mkdir(made);
  const endpoint = await chooseEndpoint('ipc', data);
  try {
    say(`profile: ${tool} on the ${component}, results in ${folder}`);
    const profile = join(folder, `${component}-${tool}`);
    const path = await profiled(flags, {
      data,
      endpoint: endpoint.address,
      raw,
      logsFolder,
      profile,
      signal: interrupted.signal,
    });
    await end(EXIT.holds, []);
    process.stdout.write(`${path}\n`);
  } catch (error) {
    await end(exitCodeOf(error), [(error as Error).message]);
    throw error;
  } finally {
    release();
    await endpoint.remove();
    await rm(data, { recursive: true, force: true });
    await rm(raw, { recursive: true, force: true });
  }
}

/**
 * Runs the profiler; resolves to the path of the file that it wrote. Throws OperatingError, in one line, when there is
 * no such file.
 */
async function profiled(
  flags: Flags,
  at: {
    readonly data: string;
    readonly endpoint: string;
    readonly raw: string;
    readonly logsFolder: string;
    readonly profile: string;
    readonly signal: AbortSignal;
  },
): Promise<string> {
  const { component, tool, duration: durationMs } = flags;
  const stages = stagesOf(flags, at);
  const { leaves } = launchOf([], tool, at.raw);
  try {
    await runPipeline(stages, { durationMs, logsFolder: at.logsFolder, say, signal: at.signal });
    const left = (await readdir(at.raw)).find((name) => name.endsWith(leaves));
    if (left === undefined) throw new OperatingError('ERR_PROFILE', `${tool} left no ${leaves} file`);
    await rename(join(at.raw, left), at.profile + leaves);
    return at.profile + leaves;
  } catch (error) {
    // The terminal interrupts the stages too, which then end.
    if (at.signal.aborted) throw interruptedError();
    const isOfTool = error instanceof StageError ? error.component === component : error instanceof OperatingError;
    if (!isClinic(tool) || !isOfTool) throw error;
    const other = `npm run profile -- --component ${component} --tool ${wayOut(tool)}`;
    const reason = `clinic ${tool} failed on Node ${process.version}: ${(error as Error).message}`;
    throw new OperatingError('ERR_PROFILE', `${reason}; use Node's own profiler: ${other}`, { cause: error });
  }
}

function stagesOf(
  flags: Flags,
  { data, endpoint, raw }: { readonly data: string; readonly endpoint: string; readonly raw: string },
): Stage[] {
  const { seed, rate, files, chunks, chunkBytes, partitions } = flags;
  const argv: Readonly<Record<Component, readonly string[]>> = {
    broker: ['--listen', endpoint, '--partitions', String(partitions)],
    summer: ['--connect', endpoint, '--partitions', `0-${partitions - 1}`],
    chunker: Object.entries({ connect: endpoint, seed, rate, files, chunks, 'chunk-bytes': chunkBytes }).flatMap(
      ([name, value]) => [`--${name}`, String(value)],
    ),
  };
  return COMPONENTS.map((component) => ({
    component,
    launch: launchOf(
      [component, '--data', join(data, component), ...argv[component]],
      component === flags.component ? flags.tool : null,
      raw,
    ),
    folder: raw,
  }));
}
