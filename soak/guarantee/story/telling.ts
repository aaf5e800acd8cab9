/** Everything that can be told of one run, of either world, and the lines that answer a question about it. Pure. */

import { aroundLines } from './around.ts';
import type { Chronicle } from './chronicle.ts';
import { causeText, countOf } from './event-line.ts';
import { fileLines } from './file-lines.ts';
import { FilePaths } from './file-path.ts';
import { indented, outlineLines } from './outline.ts';
import { type Effect, type Question, whyLines } from './why.ts';

export type ToldFailure = {
  readonly line: string;
  /** The process that failed; absent: the simulation itself failed. */
  readonly process?: string;
  /** The place in the program, by its sources; `null`: unknown. */
  readonly stack: string | null;
};

export type Telling = {
  /** What ran: `seed 17 (uniform)`, the name of a folder. */
  readonly title: string;
  readonly verdict: string;
  /** What a reader must know of the run or of its history. */
  readonly remarks: readonly string[];
  readonly chronicle: Chronicle;
  /** The first violation is the one that ended the run. */
  readonly violations: readonly Question[];
  readonly failures: readonly ToldFailure[];
  /** Why the run proves nothing. */
  readonly doubts: readonly string[];
  /** When a planted bug took effect; `null`: no bug took effect, or none was planted. */
  readonly effect: Effect | null;
};

export type Asked = {
  /** 32 hexadecimal digits, or `chunker-0/17`. */
  readonly file?: string;
  /** Counted from the beginning of the run. */
  readonly aroundNs?: number;
  readonly why?: boolean;
};

/** How many violations, failures and doubts are told one by one. */
const REASONS_SHOWN = 20;

/** The answers to the questions; without a question, the whole story. */
export function tellingLines(telling: Telling, { file, aroundNs, why = false }: Asked): string[] {
  const { chronicle } = telling;
  const lines = headLines(telling);
  if (file === undefined && aroundNs === undefined && !why) lines.push(...outlineLines(chronicle));
  const paths = new FilePaths(chronicle);
  if (file !== undefined)
    lines.push(...paths.of([fileIdIn(telling, file)]).flatMap((path) => fileLines(chronicle, path)));
  if (aroundNs !== undefined) lines.push(...aroundLines(chronicle, aroundNs));
  if (why) lines.push(...whyOf(telling, paths));
  return lines;
}

/** The lines of `--why`. When nothing went wrong, one line that says so. */
export function whyOf(telling: Telling, paths: FilePaths = new FilePaths(telling.chronicle)): string[] {
  const question = questionOf(telling);
  if (question === null) return ['why: nothing went wrong: no violation, no failure and no doubt'];
  return whyLines(telling.chronicle, question, { paths, effect: telling.effect });
}

/** How the run ended, and why. */
export function headLines({
  title,
  verdict,
  remarks,
  violations,
  failures,
  doubts,
  effect,
  chronicle,
}: Telling): string[] {
  const seconds = ((chronicle.endNs - chronicle.startNs) / 1e9).toFixed(1);
  const lines = [
    `${title}: ${verdict}, ${seconds} s, ${countOf(chronicle.events.length, 'event')}`,
    ...remarks,
    ...limited(violations.map(({ line }) => line)),
    ...limited(failures.flatMap(({ line, stack }) => [line, ...(stack === null ? [] : stackLines(stack))])),
    ...limited(doubts),
  ];
  if (effect !== null) {
    lines.push(`the planted bug took effect at ${chronicle.time(effect.atNs)}, because ${causeText(effect.cause)}`);
  }
  return lines;
}

/** A violation comes before a failure, a failure before a doubt. */
function questionOf({ violations, failures, doubts, chronicle }: Telling): Question | null {
  const [violation] = violations;
  if (violation !== undefined) return violation;
  const [failure] = failures;
  if (failure !== undefined) {
    const { line, process } = failure;
    return { line, atNs: chronicle.endNs, ...(process === undefined ? {} : { process }) };
  }
  const [doubt] = doubts;
  if (doubt === undefined) return null;
  const named = chronicle.processes.find((process) => new RegExp(`(?<![\\w.-])${process}(?![\\w.-])`).test(doubt));
  return { line: doubt, atNs: null, ...(named === undefined ? {} : { process: named }) };
}

/** A file's id: as given, or from `chunker-0/17`, which is file 17 of the last producer of that process. */
export function fileIdIn({ chronicle }: Pick<Telling, 'chronicle'>, text: string): string {
  const { process, number } = /^(?<process>[\w.-]+)\/(?<number>\d+)$/.exec(text)?.groups ?? {};
  if (process === undefined || number === undefined) return text;
  const producer = chronicle.producerOf(process)?.producer ?? '';
  return producer + Number(number).toString(16).padStart(16, '0');
}

function limited(lines: readonly string[]): string[] {
  if (lines.length <= REASONS_SHOWN) return indented(lines);
  return indented([...lines.slice(0, REASONS_SHOWN), `and ${countOf(lines.length - REASONS_SHOWN, 'more line')}`]);
}

/** Without the first line, which repeats the message. */
function stackLines(stack: string): string[] {
  return stack
    .split('\n')
    .filter((line) => /^\s*at /.test(line))
    .map((line) => `  ${line.trim()}`);
}
