/** `stream-sum <command>` without its process: finds the command, runs it, and turns its error into one line. */

import { readFileSync } from 'node:fs';
import { tryDescriptors } from '../core/descriptors.ts';
import { EXIT, ViolationError, exitCodeOf } from '../core/errors.ts';
import { makeCommand, usageErrorOf } from '../component/flags.ts';
import { COMMANDS } from './commands.ts';

/** Loading a command opens many files at a time. When it may not, the module loader says "cannot find package". */
const DESCRIPTORS = 32;

/** Runs one command line. Throws what the command throws, and an error of commander for help and a wrong word. */
export async function runProgram(argv: readonly string[]): Promise<void> {
  tryDescriptors(DESCRIPTORS);
  const program = makeCommand('stream-sum', 'Exactly-once stream processing, measured.');
  program.version(packageVersionOfThis(), '--version', 'print the version');
  const [first, second] = argv;
  if (first === 'help' && second !== undefined) return await runProgram([second, '--help']);
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

/** The line on stderr, if there is anything to say, and the exit code. */
export type Ending = { readonly line: string | null; readonly exitCode: number };

/** What the error of a command line says, and how its process ends. */
export function endingOf(error: unknown): Ending {
  const usage = usageErrorOf(error);
  if (usage !== null) return { line: usage.message.split('\n')[0] ?? '', exitCode: EXIT.usage };
  const isHelp = (error as { code?: unknown } | null)?.code?.toString().startsWith('commander.') === true;
  if (isHelp) {
    const isAsked = (error as { exitCode?: number }).exitCode === 0;
    return { line: null, exitCode: isAsked ? EXIT.holds : EXIT.usage };
  }
  const line = error instanceof ViolationError ? error.line : error instanceof Error ? error.message : String(error);
  return { line, exitCode: exitCodeOf(error) };
}
