/**
 * How the commands use commander: a bad flag gives one line that names it, and exit 2. Values are parsed by
 * `core/units.ts`.
 */

import { Command, CommanderError, InvalidArgumentError, Option } from 'commander';
import { UsageError } from '../core/errors.ts';
import { type Range, parseCountWithin } from '../core/units.ts';

/** A command that throws a UsageError where commander would print and exit. */
export function makeCommand(name: string, description: string): Command {
  return new Command(name)
    .description(description)
    .exitOverride()
    .allowExcessArguments(false)
    .showSuggestionAfterError(true)
    .configureOutput({ writeErr: () => {} })
    .configureHelp({ helpWidth: 110 });
}

/** Parses the text of an option; `flag` is its name as typed, for the message. Throws a UsageError. */
export type Parse<T> = (text: string, flag: string) => T;

/** An option with a value. Its default is written as a user would type it, and read by the same parser. */
export function valueOption<T>(flags: string, description: string, parse: Parse<T>, defaultText?: string): Option {
  const option = new Option(flags, description);
  const flag = option.long ?? flags;
  option.argParser((text: string) => parse(text, flag));
  if (defaultText !== undefined) option.default(parse(defaultText, flag), defaultText);
  return option;
}

/**
 * Options without which the command cannot run. (commander checks its own mandatory options before it names a mistyped
 * flag.)
 */
export function requireOptions(command: Command, ...flags: readonly string[]): Command {
  return command.hook('preAction', (_, acting) => {
    for (const flag of flags) {
      const option = acting.options.find(({ long }) => long === flag);
      if (option === undefined || acting.getOptionValue(option.attributeName()) !== undefined) continue;
      throw new UsageError(`${flag} is required: ${option.description}`);
    }
  });
}

/** An option's parser: `parse` gets the text and the flag's name, and throws a UsageError. */
export function parsed<T>(flag: string, parse: Parse<T>): (text: string) => T {
  return (text) => parse(text, flag);
}

/** A count within bounds. */
export function countWithin(low: number, high: number): Parse<number> {
  return (text, flag) => parseCountWithin(text, flag, { low, high } satisfies Range);
}

/** `0-7`, `0,3,6` or a mixture: partitions, ascending, each once. */
export function parsePartitions(text: string, flag: string): number[] {
  const partitions = new Set<number>();
  for (const part of text.split(',')) {
    const [, from, to] = /^(\d{1,5})(?:-(\d{1,5}))?$/.exec(part) ?? [];
    const low = Number(from);
    const high = Number(to ?? from);
    if (from === undefined || low > high)
      throw new UsageError(`${flag} ${text}: expected partitions such as 0-7 or 0,3,6`);
    for (let partition = low; partition <= high; partition += 1) partitions.add(partition);
  }
  return [...partitions].toSorted((a, b) => a - b);
}

/** The UsageError for an error of commander; `null` when commander only showed help. */
export function usageErrorOf(error: unknown): UsageError | null {
  if (error instanceof InvalidArgumentError || error instanceof CommanderError) {
    if (
      error.code === 'commander.helpDisplayed' ||
      error.code === 'commander.help' ||
      error.code === 'commander.version'
    )
      return null;
    // commander puts its suggestion of another name on a separate line.
    return new UsageError(error.message.replace(/^error: /, '').replaceAll(/\s*\n\s*/g, ' '));
  }
  return error instanceof UsageError ? error : null;
}
