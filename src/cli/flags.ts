/** How commander is used here: one line that names a bad flag, exit 2; values are parsed by `core/units.ts`. */

import { Command, CommanderError, InvalidArgumentError } from 'commander';
import { UsageError } from '../core/errors.ts';
import { type Range, parseCountWithin } from '../core/units.ts';

/** A command that throws a UsageError where commander would print and exit. */
export function makeCommand(name: string, description: string): Command {
  return new Command(name)
    .description(description)
    .exitOverride()
    .allowExcessArguments(false)
    .showSuggestionAfterError(false)
    .configureOutput({ writeErr: () => {} })
    .configureHelp({ helpWidth: 110 });
}

/** An option's parser: `parse` gets the text and the flag's name, and throws a UsageError. */
export function parsed<T>(flag: string, parse: (text: string, flag: string) => T): (text: string) => T {
  return (text) => parse(text, flag);
}

/** A count within bounds. */
export function countWithin(low: number, high: number): (text: string, flag: string) => number {
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

/** What commander threw, as ours; `null` when it only showed help. */
export function usageErrorOf(error: unknown): UsageError | null {
  if (error instanceof InvalidArgumentError || error instanceof CommanderError) {
    if (
      error.code === 'commander.helpDisplayed' ||
      error.code === 'commander.help' ||
      error.code === 'commander.version'
    )
      return null;
    return new UsageError(error.message.replace(/^error: /, ''));
  }
  return error instanceof UsageError ? error : null;
}
