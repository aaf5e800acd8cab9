#!/usr/bin/env node
/** `stream-sum <command>`: finds the command, runs it, and turns its error into one line and an exit code. */

import { readFileSync } from 'node:fs';
import { tryDescriptors } from '../core/descriptors.ts';
import { EXIT, ViolationError, exitCodeOf } from '../core/errors.ts';
import { DescriptorWriter } from '../component/descriptor-writer.ts';
import { exitProcess, leaveLostTerminals } from '../component/process-end.ts';
import { makeCommand, usageErrorOf } from '../component/flags.ts';
import { COMMANDS } from './commands.ts';

const STDERR = 2;
const LAST_LINE_BYTES_MAX = 1024 * 1024;
/** How long the last line may wait for its reader. */
const FLUSH_MS = 1_000;

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
  if (chosen !== undefined) program.addCommand((await chosen.load()).copyInheritedSettings(program));
  else for (const [command, { summary }] of Object.entries(COMMANDS)) program.addCommand(makeCommand(command, summary));
  if (argv.length === 0) program.outputHelp();
  // An unknown name is reported whatever else was asked for.
  else
    await program.parseAsync(isKnown || name === undefined || name === 'help' ? [...argv] : [name], { from: 'user' });
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
