#!/usr/bin/env node
/** `stream-sum <command>`: finds the command, runs it, and turns its error into one line and an exit code. */

import { readFileSync } from 'node:fs';
import type { Command } from 'commander';
import { tryDescriptors } from '../core/descriptors.ts';
import { EXIT, ViolationError, exitCodeOf } from '../core/errors.ts';
import { DescriptorWriter } from '../component/descriptor-writer.ts';
import { exitProcess, leaveLostTerminals } from '../component/process-end.ts';
import { makeCommand, usageErrorOf } from '../component/flags.ts';

const STDERR = 2;
const LAST_LINE_BYTES_MAX = 1024 * 1024;
/** How long the last line may wait for its reader. */
const FLUSH_MS = 1_000;

type Load = () => Promise<Command>;

/** Loaded on demand: a component does not load the harness, and the harness does not load the components. */
const COMMANDS: Readonly<Record<string, { readonly summary: string; readonly load: Load }>> = {
  soak: {
    summary: 'run the whole pipeline under faults and judge it',
    load: hashing(loadSoak),
  },
  simulate: {
    summary: 'simulate the whole system under random faults, from a seed',
    load: hashing(async () => (await import('../../soak/simulation/simulate-command.ts')).simulateCommand()),
  },
  detect: {
    summary: 'plant bugs in the simulated system, and count what the checkers find',
    load: hashing(loadDetect),
  },
  explain: {
    summary: 'tell what happened in a run, of a soak or of a simulated seed',
    load: hashing(async () => (await import('../../soak/explain/explain-command.ts')).explainCommand()),
  },
  bench: {
    summary: 'measure the parts, with their peers in the same run',
    load: hashing(async () => (await import('../../bench/bench-command.ts')).benchCommand()),
  },
  profile: {
    summary: 'run the pipeline with a profiler on one component',
    load: hashing(async () => (await import('../../bench/profile/profile-command.ts')).profileCommand()),
  },
  compare: {
    summary: 'say what changed between recorded runs, and whether it is more than chance',
    load: async () => (await import('../../bench/compare/compare-command.ts')).compareCommand(),
  },
  cluster: {
    summary: 'build and run a cluster of Gazette brokers and etcd',
    load: async () => (await import('../../soak/cluster/cluster-command.ts')).clusterCommand(),
  },
  broker: { summary: 'serve the journals', load: async () => (await import('./broker-command.ts')).brokerCommand() },
  summer: {
    summary: 'fold chunks and publish sums',
    load: hashing(async () => (await import('./summer-command.ts')).summerCommand()),
  },
  chunker: {
    summary: 'publish files and verify their sums',
    load: async () => (await import('./chunker-command.ts')).chunkerCommand(),
  },
  retire: {
    summary: 'end a dead chunker in every journal',
    load: async () => (await import('./retire-command.ts')).retireCommand(),
  },
};

/** A command with a process that hashes. If the backend cannot be used, it ends before it has started anything. */
function hashing(load: Load): Load {
  return async () => {
    const { requiredBackend } = await import('./hash-backend.ts');
    return (await load()).hook('preAction', () => void requiredBackend());
  };
}

/** The harness, with modules that only the layers below may load. */
async function loadSoak(): Promise<Command> {
  const { soakCommand } = await import('../../soak/live/soak-command.ts');
  const { makeAudit } = await import('../../soak/live/audit/end-audit.ts');
  const { selectedBackend } = await import('../hash/backend.ts');
  const { connectJournals, libzmqVersion } = await import('./connection.ts');
  return soakCommand({
    versions: () => ({ libzmq: libzmqVersion, addonBackend: selectedBackend() }),
    connect: (endpoint) => connectJournals(endpoint, 'auditor'),
    audit: makeAudit((endpoint) => connectJournals(endpoint, 'audit')),
    startEngine: async (asked) => {
      const { startSoakCluster } = await import('../../soak/cluster/soak-cluster.ts');
      const cluster = await startSoakCluster(asked);
      return { ...cluster, audit: makeAudit(() => cluster.connect()) };
    },
  });
}

/** The planted bugs, with what a soak over real processes needs. */
async function loadDetect(): Promise<Command> {
  const { detectCommand } = await import('../../soak/detect/detect-command.ts');
  const { makeAudit } = await import('../../soak/live/audit/end-audit.ts');
  const { connectJournals } = await import('./connection.ts');
  return detectCommand({
    connect: (endpoint) => connectJournals(endpoint, 'auditor'),
    audit: makeAudit((endpoint) => connectJournals(endpoint, 'audit')),
  });
}

/** Loading a command opens many files at a time. When it may not, the module loader says "cannot find package". */
const DESCRIPTORS = 32;

async function main(argv: readonly string[]): Promise<void> {
  tryDescriptors(DESCRIPTORS);
  const program = makeCommand('stream-sum', 'Exactly-once stream processing, measured.');
  program.version(packageVersionOfThis(), '--version', 'print the version');
  const [first, second] = argv;
  if (first === 'help' && second !== undefined) return await main([second, '--help']);
  const name = argv.find((argument) => !argument.startsWith('-'));
  const isKnown = name !== undefined && Object.hasOwn(COMMANDS, name);
  const chosen = isKnown ? COMMANDS[name] : undefined;
  if (chosen !== undefined) program.addCommand(withTypedDefaults(await chosen.load()).copyInheritedSettings(program));
  else for (const [command, { summary }] of Object.entries(COMMANDS)) program.addCommand(makeCommand(command, summary));
  if (argv.length === 0) program.outputHelp();
  // An unknown name is reported whatever else was asked for.
  else
    await program.parseAsync(isKnown || name === undefined || name === 'help' ? [...argv] : [name], { from: 'user' });
}

/** Shows a default in the help as a user would type it, without quotation marks. */
function withTypedDefaults(command: Command): Command {
  for (const option of command.options) {
    if (typeof option.defaultValue === 'string') option.defaultValueDescription ??= option.defaultValue;
  }
  return command;
}

function packageVersionOfThis(): string {
  const file = new URL('../../../package.json', import.meta.url);
  return (JSON.parse(readFileSync(file, 'utf8')) as { readonly version: string }).version;
}

// The reader of the output may go at any time: a closed pipe, a lost terminal, a full disk. The command does its work
// all the same, and keeps its exit code.
for (const stream of [process.stdout, process.stderr]) stream.on('error', () => undefined);
process.on('exit', leaveLostTerminals);
try {
  await main(process.argv.slice(2));
} catch (error) {
  endOf(error);
}

/** Writes one line on stderr, if there is anything to say, and sets the exit code, whatever becomes of the line. */
function endOf(error: unknown): void {
  const usage = usageErrorOf(error);
  if (usage !== null) return end(usage.message.split('\n')[0] ?? '', EXIT.usage);
  const isHelp = (error as { code?: unknown } | null)?.code?.toString().startsWith('commander.') === true;
  if (isHelp) return exitProcess((error as { exitCode?: number }).exitCode === 0 ? EXIT.holds : EXIT.usage);
  const line = error instanceof ViolationError ? error.line : error instanceof Error ? error.message : String(error);
  end(line, exitCodeOf(error));
}

function end(line: string, exitCode: number): void {
  const stderr = new DescriptorWriter({ descriptor: STDERR, pendingBytesMax: LAST_LINE_BYTES_MAX });
  stderr.write(`stream-sum: ${line}\n`);
  stderr.flush(FLUSH_MS);
  exitProcess(exitCode);
}
