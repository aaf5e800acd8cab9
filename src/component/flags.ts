/**
 * How the commands use commander: a bad flag gives one line that names it, and exit 2. Values are parsed by
 * `core/units.ts`.
 */

import { Command, CommanderError, InvalidArgumentError, Option } from 'commander';
import { UsageError } from '../core/errors.ts';
import { type Range, parseCount, parseCountWithin, parseRange, shownValue } from '../core/units.ts';

/** A command that throws a UsageError where commander would print and exit. */
export function makeCommand(name: string, description: string): Command {
  return new Command(name)
    .description(description)
    .exitOverride()
    .allowExcessArguments(false)
    .showSuggestionAfterError(true)
    .configureOutput({ writeErr: () => {} })
    .configureHelp({ helpWidth: 110, optionDescription });
}

/** The description, and the default as a user would type it. */
function optionDescription({ description, defaultValue, defaultValueDescription }: Option): string {
  const text = defaultValueDescription ?? (typeof defaultValue === 'string' ? defaultValue : undefined);
  return text === undefined ? description : `${description} (default: ${text})`;
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
      throw new UsageError(`${option.flags} is required: ${option.description}`);
    }
  });
}

/** A count within bounds. */
export function countWithin(low: number, high: number): Parse<number> {
  return (text, flag) => parseCountWithin(text, flag, { low, high } satisfies Range);
}

/** A number or a range A..B. */
export function rangeOf(parse: Parse<number>): Parse<Range> {
  return (text, flag) => parseRange(text, flag, parse);
}

/** One a nanosecond. */
const RATE_MAX = 1e9;

/** A count a second, or `max`. */
export function parseRate(text: string, flag: string): number | 'max' {
  if (text === 'max') return 'max';
  const rate = parseCount(text, flag);
  if (rate < 1 || rate > RATE_MAX) throw new UsageError(`${flag} ${text}: must be from 1 to ${RATE_MAX}, or max`);
  return rate;
}

/** One of a few names. */
export function oneOf<T extends string>(names: readonly T[]): Parse<T> {
  return (text, flag) => {
    const name = names.find((candidate) => candidate === text);
    if (name === undefined) throw new UsageError(`${flag} ${shownValue(text)}: expected one of ${names.join(', ')}`);
    return name;
  };
}

/** Checks a text that is handed on as it was typed. */
export function checkedBy(parse: Parse<unknown>): Parse<string> {
  return (text, flag) => {
    parse(text, flag);
    return text;
  };
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
    const message = error.message.replace(/^error: /, '').replaceAll(/\s*\n\s*/g, ' ');
    return new UsageError(message.replace(/^option '(.*)' argument missing$/, '$1: the value is missing'));
  }
  return error instanceof UsageError ? error : null;
}
