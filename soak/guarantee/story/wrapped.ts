/** Text in lines that are no wider than a screen. A word is never broken: one that is too wide stands alone. Pure. */

export type Room = {
  readonly columns: number;
  /** The number of blanks before each line except the first. */
  readonly hanging: number;
  /** How many columns of the first line are already taken. */
  readonly taken?: number;
};

/** The first line begins behind the taken columns. */
export function wrapped(words: readonly string[], { columns, hanging, taken = hanging }: Room): string[] {
  const lines: string[] = [];
  let line = '';
  let width = taken;
  for (const word of words) {
    if (line !== '' && width + 1 + word.length > columns) {
      lines.push(line);
      line = '';
      width = hanging;
    }
    width += (line === '' ? 0 : 1) + word.length;
    line += line === '' ? word : ` ${word}`;
  }
  lines.push(line);
  return lines.map((text, index) => (index === 0 ? text : `${' '.repeat(hanging)}${text}`));
}

/** A command in lines that a shell reads as one: each except the last ends in a backslash. A flag keeps its value. */
export function wrappedCommand(words: readonly string[], { columns, ...room }: Room): string[] {
  const lines = wrapped(withValues(words), { ...room, columns: columns - 2 });
  return lines.map((line, index) => (index === lines.length - 1 ? line : `${line} \\`));
}

/** Words, where a flag and the word behind it that is no flag are one. */
function withValues(words: readonly string[]): string[] {
  const units: string[] = [];
  for (const [index, word] of words.entries()) {
    const flag = words[index - 1];
    const isValue = flag !== undefined && /^--[^=]+$/.test(flag) && !word.startsWith('--');
    if (isValue) units[units.length - 1] = `${units.at(-1)} ${word}`;
    else units.push(word);
  }
  return units;
}
