/** Commands as a user types them, to repeat a run or to explain it. Pure. */

export const PROGRAM: readonly string[] = ['npx', 'stream-sum'];

/**
 * The whole command of a run as words for a shell, with the drawn seed when none was given. `commandLine`: as typed.
 */
export function repeatCommand(commandLine: readonly string[], seed: number): string[] {
  const hasSeed = commandLine.some((word) => word === '--seed' || word.startsWith('--seed='));
  const words = hasSeed ? commandLine : [...commandLine, '--seed', String(seed)];
  return [...PROGRAM, ...words.map(quoted)];
}

/** The command `explain` for this run. */
export function explainCommand(folder: string, ...flags: readonly string[]): string[] {
  return [...PROGRAM, 'explain', quoted(folder), ...flags.map(quoted)];
}

/** As one word of a POSIX shell. */
export function quoted(word: string): string {
  return /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`;
}
