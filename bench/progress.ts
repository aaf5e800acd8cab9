/**
 * What a benchmark run shows while it runs: one line that is redrawn on a terminal, otherwise a plain line now and
 * then.
 */

import { createLogUpdate } from 'log-update';
import { formatDuration } from '../src/core/units.ts';

export type Progress = {
  /** Shows what happens now, in the place of the last update. */
  update(text: string): void;
  /** A line that stays. */
  say(line: string): void;
  done(): void;
};

const LINE_EVERY_MS = 5_000;

export function createProgress(stream: NodeJS.WriteStream): Progress {
  stream.on('error', () => undefined);
  const startMs = performance.now();
  const timed = (text: string): string => `${formatDuration(performance.now() - startMs)}  ${text}`;
  return stream.isTTY ? terminalProgress(stream, timed) : lineProgress((line) => stream.write(`${line}\n`), timed);
}

function terminalProgress(stream: NodeJS.WriteStream, timed: (text: string) => string): Progress {
  const draw = createLogUpdate(stream);
  return {
    update: (text) => draw(timed(text)),
    say: (line) => {
      draw.clear();
      stream.write(`${line}\n`);
    },
    done: () => {
      draw.clear();
      draw.done();
    },
  };
}

function lineProgress(write: (line: string) => void, timed: (text: string) => string): Progress {
  let nextMs = 0;
  return {
    update: (text) => {
      if (performance.now() < nextMs) return;
      nextMs = performance.now() + LINE_EVERY_MS;
      write(timed(text));
    },
    say: write,
    done: () => undefined,
  };
}
