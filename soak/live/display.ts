/** The live view of a run: a block that is redrawn on a terminal, else one plain line every few seconds. */

import { createLogUpdate } from 'log-update';
import { formatBytes, formatCount, formatDuration } from '../../src/core/units.ts';
import type { Status } from './sampler.ts';
import { durationText } from './summary.ts';

export type DisplayStatus = Status & {
  /** Of the whole run without the drain. */
  readonly durationMs: number;
  /** Chunks a second that are asked for. */
  readonly offered: number | 'max';
  readonly faults: number;
  readonly violations: number;
};

export type Display = {
  update(status: DisplayStatus): void;
  /** A line that stays. */
  say(line: string): void;
  /** The last text; nothing comes after it. */
  finish(text: string): void;
};

/** What the displays need of stdout. A terminal that is gone is no reason to end a run. */
export type DisplayStream = NodeJS.WriteStream;

const LINE_EVERY_MS = 5_000;

/** Narrower ones get lines: a block that is wrapped cannot be redrawn. */
const COLUMNS_MIN = 40;

/** `terminal`: the name of the terminal's kind, as TERM has it. */
export function createDisplay(stream: DisplayStream, terminal: string | undefined = process.env['TERM']): Display {
  stream.on('error', () => undefined);
  const canRedraw = stream.isTTY && terminal !== 'dumb' && stream.columns >= COLUMNS_MIN;
  return canRedraw ? terminalDisplay(stream) : lineDisplay((text) => stream.write(text));
}

function terminalDisplay(stream: DisplayStream): Display {
  const draw = createLogUpdate(stream);
  return {
    update(status) {
      if (stream.columns >= COLUMNS_MIN) draw(statusBlock(status));
    },
    say(line) {
      draw.clear();
      stream.write(`${line}\n`);
    },
    finish(text) {
      draw.clear();
      draw.done();
      stream.write(text);
    },
  };
}

export function lineDisplay(write: (text: string) => void): Display {
  let nextMs = 0;
  let lastPhase = '';
  return {
    update(status) {
      if (status.elapsedMs < nextMs && status.phase === lastPhase) return;
      if (status.elapsedMs >= nextMs) nextMs = status.elapsedMs + LINE_EVERY_MS;
      lastPhase = status.phase;
      write(`${statusLine(status)}\n`);
    },
    say: (line) => write(`${line}\n`),
    finish: write,
  };
}

/** Achieved beside offered; `-` while it is not known. The drain offers nothing. */
function chunkRate({ chunksPerSecond, offered, phase }: DisplayStatus): string {
  const achieved = chunksPerSecond === null ? '-' : formatCount(chunksPerSecond);
  return offered === 'max' || phase === 'drain' || phase === 'audit'
    ? achieved
    : `${achieved} of ${formatCount(offered)}`;
}

function byteRate({ bytesPerSecond }: DisplayStatus): string {
  return bytesPerSecond === null ? '-' : `${formatBytes(bytesPerSecond)}/s`;
}

function fieldsOf(status: DisplayStatus): readonly (readonly [name: string, value: string])[] {
  return [
    ['chunks/s', chunkRate(status)],
    ['bytes/s', byteRate(status)],
    ['files open', formatCount(status.filesOpen)],
    ['verified', `${formatCount(status.sumsVerified)} sums`],
    ['outstanding', formatCount(status.sumsOutstanding)],
    ['latency', `p50 ${durationText(status.latencyP50Ns)}, p99 ${durationText(status.latencyP99Ns)}`],
    ['faults', formatCount(status.faults)],
    ['violations', formatCount(status.violations)],
  ];
}

export function statusBlock(status: DisplayStatus): string {
  const head = `${status.phase}  ${formatDuration(status.elapsedMs)} of ${formatDuration(status.durationMs)} and the drain`;
  return [head, ...fieldsOf(status).map(([name, value]) => `  ${name.padEnd(12)}${value}`)].join('\n');
}

export function statusLine(status: DisplayStatus): string {
  const at = `${Math.round(status.elapsedMs / 1e3)} s`.padStart(6);
  const open = formatCount(status.filesOpen);
  return (
    `${at} ${status.phase.padEnd(8)} ${chunkRate(status)} chunks/s, ` +
    `${byteRate(status)}, ${open} files open, ${formatCount(status.sumsVerified)} sums verified, ` +
    `${formatCount(status.sumsOutstanding)} outstanding, latency p50 ${durationText(status.latencyP50Ns)} ` +
    `p99 ${durationText(status.latencyP99Ns)}, ${formatCount(status.faults)} faults, ` +
    `${formatCount(status.violations)} violations`
  );
}
