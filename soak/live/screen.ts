/** What a soak shows about itself while it runs: a block for a terminal of any width, or one line. Pure. */

import { formatBytes, formatCount, formatDuration } from '../../src/core/units.ts';
import { wrapped } from '../guarantee/story/wrapped.ts';
import { type Paint, type Tone, noColors } from './colors.ts';
import type { ExperimentStatus } from './experiment-view.ts';
import type { Status } from './sampler.ts';
import { durationText } from './summary.ts';

export type DisplayStatus = Status & ExperimentStatus & { readonly violations: number };

type Field = { readonly name: string; readonly text: string; readonly tone?: Tone };

const NAME_WIDTH = 14;
/** From this width on, short fields stand beside each other. */
const TWO_COLUMNS_MIN = 100;

/** The achieved rate beside the offered one; `-` while it is unknown. The drain offers nothing. */
function chunkRate({ chunksPerSecond, offered, phase }: DisplayStatus): string {
  const achieved = chunksPerSecond === null ? '-' : formatCount(chunksPerSecond);
  return offered === 'max' || phase === 'drain' || phase === 'audit'
    ? achieved
    : `${achieved} of ${formatCount(offered)} offered`;
}

function byteRate({ bytesPerSecond }: DisplayStatus): string {
  return bytesPerSecond === null ? '-' : `${formatBytes(bytesPerSecond)}/s`;
}

function faultCounts({ experiment: { counts } }: DisplayStatus): string {
  const steps = [`${formatCount(counts.injected)} injected`];
  for (const step of ['proven', 'healed', 'recovered'] as const) steps.push(`${formatCount(counts[step])} ${step}`);
  return steps.join(', ');
}

/** The phases that are still to come, with their ends. */
function phasesText({ experiment, phase: now }: DisplayStatus): string {
  const ends = experiment.phases.map(({ phase, endMs }) =>
    endMs === null ? phase : `${phase} to ${formatDuration(endMs)}`,
  );
  const last = now === 'audit' ? ['audit'] : ['drain', 'audit'];
  return [...ends, ...last].join(', ');
}

/** Open faults with their processes and times, and processes that are down. */
function nowFields({ experiment: { open, down } }: DisplayStatus): Field[] {
  const words = {
    injected: 'not seen to hit yet, for',
    proven: 'has hit, for',
    healed: 'healed, no new sum of all it hit for',
  } as const;
  const faults = open.map(({ what, stage, sinceMs }): Field => {
    return { name: '', text: `${what}: ${words[stage]} ${formatDuration(sinceMs)}`, tone: stage };
  });
  const nothing: Field = { name: '', text: 'no fault', tone: 'minor' };
  const [first = nothing, ...others] = faults;
  return [
    { ...first, name: 'now' },
    ...others,
    { name: 'down', text: down.length === 0 ? 'nothing' : down.join(' '), tone: down.length === 0 ? 'minor' : 'bad' },
  ];
}

function fieldsOf(status: DisplayStatus): Field[] {
  const { violations, latencyP50Ns, latencyP99Ns } = status;
  return [
    { name: 'chunks/s', text: chunkRate(status) },
    { name: 'bytes/s', text: byteRate(status) },
    { name: 'files open', text: formatCount(status.filesOpen) },
    { name: 'verified', text: `${formatCount(status.sumsVerified)} sums` },
    { name: 'outstanding', text: formatCount(status.sumsOutstanding) },
    { name: 'latency', text: `p50 ${durationText(latencyP50Ns)}, p99 ${durationText(latencyP99Ns)}` },
    { name: 'faults', text: faultCounts(status) },
    { name: 'violations', text: formatCount(violations), tone: violations > 0 ? 'bad' : 'plain' },
  ];
}

/** Every line fits into `columns`, and no word is broken. */
export function statusBlock(status: DisplayStatus, columns: number, paint: Paint = noColors): string {
  const elapsed = `${formatDuration(status.elapsedMs)} of ${formatDuration(status.durationMs)} and the drain`;
  return [
    `${paint('phase', status.phase)}  ${elapsed}`,
    ...fieldLines({ name: 'phases', text: phasesText(status) }, columns, paint),
    ...pairLines(fieldsOf(status), columns, paint),
    ...nowFields(status).flatMap((field) => fieldLines(field, columns, paint)),
  ].join('\n');
}

function fieldLines({ name, text, tone = 'plain' }: Field, columns: number, paint: Paint): string[] {
  return wrapped(text.split(' '), { columns: columns - NAME_WIDTH - 1, hanging: 0 }).map((line, index) => {
    const label = `  ${index === 0 ? name : ''}`.padEnd(NAME_WIDTH);
    return `${paint('minor', label)}${paint(tone, line)}`;
  });
}

/** Two fields on a line where the terminal is wide enough for both. */
function pairLines(fields: readonly Field[], columns: number, paint: Paint): string[] {
  if (columns < TWO_COLUMNS_MIN) return fields.flatMap((field) => fieldLines(field, columns, paint));
  const half = Math.floor(columns / 2);
  const lines: string[] = [];
  for (let at = 0; at < fields.length; at += 2) {
    const [left, right] = [fields[at], fields[at + 1]];
    if (left === undefined) break;
    const isShort = NAME_WIDTH + left.text.length < half;
    const [line = '', ...rest] = fieldLines(left, columns, paint);
    if (!isShort || right === undefined || NAME_WIDTH + right.text.length >= half) {
      lines.push(line, ...rest, ...(right === undefined ? [] : fieldLines(right, columns, paint)));
      continue;
    }
    const blanks = ' '.repeat(half - NAME_WIDTH - left.text.length);
    lines.push(line + blanks + fieldLines(right, half, paint).join(''));
  }
  return lines;
}

export function statusLine(status: DisplayStatus): string {
  const at = `${Math.round(status.elapsedMs / 1e3)} s`.padStart(10);
  const open = formatCount(status.filesOpen);
  const { down } = status.experiment;
  return (
    `${at}  ${status.phase.padEnd(9)}  ${chunkRate(status)} chunks/s, ` +
    `${byteRate(status)}, ${open} files open, ${formatCount(status.sumsVerified)} sums verified, ` +
    `${formatCount(status.sumsOutstanding)} outstanding, latency p50 ${durationText(status.latencyP50Ns)} ` +
    `p99 ${durationText(status.latencyP99Ns)}, ${formatCount(status.experiment.counts.proven)} faults proven, ` +
    `${formatCount(status.violations)} violations${down.length === 0 ? '' : `, down: ${down.join(' ')}`}`
  );
}
