/** The live view of a run: a block that is redrawn on a terminal, otherwise one plain line every few seconds. */

import { createLogUpdate } from 'log-update';
import { wrapped } from '../guarantee/story/wrapped.ts';
import { type Paint, type Tone, noColors, paintFor } from './colors.ts';
import { type DisplayStatus, statusBlock, statusLine } from './screen.ts';

export type Display = {
  update(status: DisplayStatus): void;
  /** Writes a line that stays. */
  say(line: string, tone?: Tone): void;
  /** Writes the last text; nothing comes after it. */
  finish(text: string): void;
};

/** What the displays need of stdout. A lost terminal does not end a run. */
export type DisplayStream = NodeJS.WriteStream;

const LINE_EVERY_MS = 5_000;

/** Narrower terminals get lines, because a wrapped block cannot be redrawn. */
const COLUMNS_MIN = 40;
/** The beginning of an event's line, its time and its name, or the indentation of another text. */
const HEAD = /^(?: +[\d.]+ s {2}\w+ +| *)/;
/** The least indentation of further lines. */
const HANGING_MIN = 2;

/** `environment`: its TERM, NO_COLOR and FORCE_COLOR count. */
export function createDisplay(
  stream: DisplayStream,
  environment: Readonly<Record<string, string | undefined>> = process.env,
): Display {
  stream.on('error', () => undefined);
  const paint = paintFor(stream, environment);
  const canRedraw = stream.isTTY && environment['TERM'] !== 'dumb' && stream.columns >= COLUMNS_MIN;
  return canRedraw ? terminalDisplay(stream, paint) : lineDisplay((text) => stream.write(text), paint);
}

function terminalDisplay(stream: DisplayStream, paint: Paint): Display {
  const draw = createLogUpdate(stream);
  let last: DisplayStatus | null = null;
  const redraw = (): void => {
    if (last !== null && stream.columns >= COLUMNS_MIN) draw(statusBlock(last, stream.columns, paint));
  };
  return {
    update(status) {
      last = status;
      redraw();
    },
    say(line, tone = 'plain') {
      draw.clear();
      const lines = brokenLines(line, Math.max(stream.columns || COLUMNS_MIN, COLUMNS_MIN));
      stream.write(`${lines.map((text) => paint(tone, text)).join('\n')}\n`);
      redraw();
    },
    finish(text) {
      last = null;
      draw.clear();
      draw.done();
      stream.write(paintedVerdict(text, paint));
    },
  };
}

/** Further lines begin below the text of an event. */
function brokenLines(line: string, columns: number): string[] {
  const [head = ''] = HEAD.exec(line) ?? [];
  const hanging = Math.min(Math.max(head.length, HANGING_MIN), Math.floor(columns / 2));
  const [first = '', ...rest] = wrapped(line.slice(head.length).split(' '), { columns, hanging, taken: head.length });
  return [head + first, ...rest];
}

export function lineDisplay(write: (text: string) => void, paint: Paint = noColors): Display {
  let nextMs = 0;
  let lastPhase = '';
  return {
    update(status) {
      if (status.elapsedMs < nextMs && status.phase === lastPhase) return;
      if (status.elapsedMs >= nextMs) nextMs = status.elapsedMs + LINE_EVERY_MS;
      lastPhase = status.phase;
      write(`${statusLine(status)}\n`);
    },
    say: (line, tone = 'plain') => write(`${paint(tone, line)}\n`),
    finish: (text) => write(paintedVerdict(text, paint)),
  };
}

const VERDICT_TONES = { HOLDS: 'good', VIOLATED: 'bad', INCONCLUSIVE: 'doubt' } as const;

/** Colors the word of the verdict where a line begins with it. */
function paintedVerdict(text: string, paint: Paint): string {
  return text.replace(/^(?:HOLDS|VIOLATED|INCONCLUSIVE)/m, (word) => paint(VERDICT_TONES[word as 'HOLDS'], word));
}
