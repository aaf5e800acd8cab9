/** Text in lines of limited width, broken only between words. Pure. */

/** Lines after the first begin with `hang` blanks. A word that is longer than a line gets its own line. */
export function wrapped(text: string, columns: number, hang: number = 0): string[] {
  const width = Math.max(columns, hang + 1);
  const lines: string[] = [];
  const [indent = ''] = /^ */.exec(text) ?? [];
  let line = indent;
  for (const [between, word] of wordsOf(text.slice(indent.length))) {
    const isFirst = line.trim() === '';
    if (!isFirst && line.length + between.length + word.length > width) {
      lines.push(line);
      line = ' '.repeat(hang) + word;
    } else line += (isFirst ? '' : between) + word;
  }
  return [...lines, line];
}

/** Each word with the blanks before it. */
function wordsOf(text: string): [between: string, word: string][] {
  return [...text.matchAll(/( *)([^ ]+)/g)].map(([, between = '', word = '']) => [between, word]);
}
