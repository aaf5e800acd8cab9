/** The witness of a violation in words, for a stranger to read first. Pure. */

import type { Chronicle } from '../../guarantee/story/chronicle.ts';
import { aroundLines } from '../../guarantee/story/around.ts';
import { fileLines } from '../../guarantee/story/file-lines.ts';
import { FilePaths } from '../../guarantee/story/file-path.ts';
import { storyFields, storyTitle } from '../../guarantee/story/story-lines.ts';
import type { ViolationStory } from '../../guarantee/story/violation-stories.ts';
import { wrapped } from '../../guarantee/story/wrapped.ts';
import type { LogLine } from './log-lines.ts';
import { type WitnessData, showings } from './showings.ts';

const COLUMNS = 110;
const NAME_WIDTH = 12;
const CHUNKS_SHOWN = 40;
const LOG_LINES_SHOWN = 40;

export type WitnessText = WitnessData & {
  readonly title: string;
  readonly stories: readonly ViolationStory[];
  readonly startNs: number;
  /** Null: the run has no readable history. */
  readonly chronicle: Chronicle | null;
  /** What could not be read, one line each. */
  readonly unread: readonly string[];
  readonly logLines: readonly LogLine[];
  readonly timeOf: (atMs: number) => string;
  readonly dataFolder: string;
  readonly command: readonly string[];
  readonly explain: readonly string[];
  /** By name, a description of each other file in the folder. */
  readonly files: readonly (readonly [name: string, what: string])[];
};

export function witnessText(from: WitnessText): string {
  const [first, ...others] = from.stories;
  const sections = [
    [from.title, ...(first === undefined ? [] : storyLines(first, from.startNs))],
    ...(others.length === 0 ? [] : [section('Other stories of this run', others.map(storyTitle))]),
    section('What the data show', showings(from)),
    digestLines(from),
    chunkLines(from),
    ...historyLines(from),
    logSection(from),
    ...(from.unread.length === 0 ? [] : [section('What could not be read', from.unread)]),
    section('The rest', [
      `Stores of all processes: ${from.dataFolder} (a store is opened by its owner only; read a copy)`,
      `Repeat the run: ${from.command.join(' ')}`,
      `Ask the whole run: ${from.explain.join(' ')}`,
      ...from.files.map(([name, what]) => `${name}: ${what}`),
    ]),
  ];
  return `${sections
    .filter((lines) => lines.length > 0)
    .map((lines) => lines.join('\n'))
    .join('\n\n')}\n`;
}

function storyLines(story: ViolationStory, startNs: number): string[] {
  return storyFields(story, startNs).flatMap(([name, text]) => named(name, text));
}

function named(name: string, text: string): string[] {
  const [first = '', ...rest] = wrapped(text.split(' '), { columns: COLUMNS, hanging: NAME_WIDTH + 2 });
  return [`  ${name.padEnd(NAME_WIDTH)}${first}`, ...rest];
}

function section(title: string, lines: readonly string[]): string[] {
  if (lines.length === 0) return [];
  return [
    title,
    ...lines.flatMap((line) => {
      const [first = '', ...rest] = wrapped(line.split(' '), { columns: COLUMNS, hanging: 4, taken: 2 });
      return [`  ${first}`, ...rest];
    }),
  ];
}

function digestLines({ file, expected, journals }: WitnessText): string[] {
  if (file === null) return [];
  const of = expected === null ? '' : `, ${expected.lastSequence - 1} chunks, ${expected.bytes} bytes`;
  return [
    `The file ${file}${of}`,
    ...(expected === null ? [] : named('by the seed', `${expected.digest} (node:crypto)`)),
    ...named('in journal', journals?.digest ?? 'not all of its chunks are in the kept journal'),
    ...(journals?.sums ?? []).flatMap(({ digest, begin, index }) =>
      named('published', `${digest} (sums at ${begin}, record ${index})`),
    ),
  ];
}

function chunkLines({ journals }: WitnessText): string[] {
  const records = journals?.records ?? [];
  if (records.length === 0) return [];
  const half = CHUNKS_SHOWN / 2;
  const shown =
    records.length <= CHUNKS_SHOWN
      ? records
      : records.filter(({ isRight }, at) => isRight === false || at < half || at >= records.length - half);
  const cells = shown.map(({ sequence, bytes, index, journal, begin, end, isRight, isEnd }) => [
    isEnd ? `${sequence} (end)` : String(sequence),
    String(bytes),
    String(index),
    `${journal} ${begin} to ${end}`,
    isRight === null ? 'unknown' : isRight ? 'as the seed says' : 'NOT as the seed says',
  ]);
  const rows = [['chunk', 'bytes', 'record', 'batch', 'data'], ...cells];
  const widths = rows.reduce<number[]>(
    (widest, row) => row.map((cell, column) => Math.max(widest[column] ?? 0, cell.length)),
    [],
  );
  const more = records.length - shown.length;
  return [
    'Its chunks in the kept journal (all in chunks.csv)',
    ...rows.map((row) => `  ${row.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join('  ')}`.trimEnd()),
    ...(more > 0 ? [`  and ${more} more, as the seed says`] : []),
  ];
}

function historyLines({ file, chronicle, stories, startNs }: WitnessText): string[][] {
  if (chronicle === null) return [];
  const [path] = file === null ? [] : new FilePaths(chronicle).of([file]);
  const [first] = stories;
  return [
    ...(path === undefined
      ? []
      : [['Its way, by the history', ...fileLines(chronicle, path).map((line) => `  ${line}`)]]),
    ...(first === undefined
      ? []
      : [
          [
            'What happened when it was found (more in events.ndjson)',
            ...aroundLines(chronicle, first.firstFoundNs - startNs).map((line) => `  ${line}`),
          ],
        ]),
  ];
}

function logSection({ logLines, timeOf }: WitnessText): string[] {
  const shown = logLines.slice(-LOG_LINES_SHOWN);
  const lines = shown.map(({ process, atMs, level, text }) => `${timeOf(atMs)}  ${process}, ${level}: ${text}`);
  return section('Log lines of that time (whole logs in logs/)', lines);
}
