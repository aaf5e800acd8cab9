/** The path of a file as plain lines, and what is missing of it. Pure. */

import type { Chronicle } from './chronicle.ts';
import { countOf } from './event-line.ts';
import { type FilePath, chunksText } from './file-path.ts';

const STEPS_SHOWN = 80;

export function fileLines(chronicle: Chronicle, path: FilePath): string[] {
  const { file, producer, fileNumber, partition, records, steps } = path;
  if (producer === null) {
    return [
      `file ${file}: no producer of this history has published under the id ${file.slice(0, 16)}`,
      ...stepLines(chronicle, path),
    ];
  }
  const chunks = records.filter(({ isEnd }) => !isEnd).length;
  const end = records.some(({ isEnd }) => isEnd) ? 'and its end' : 'and no end yet';
  const what =
    records.length === 0
      ? 'it was not opened as far as the history goes'
      : `${countOf(chunks, 'chunk')} ${end}, in partition ${partition ?? '?'}`;
  const shown = stepLines(chronicle, path);
  const more = steps.length - shown.length;
  return [
    `file ${file}, number ${fileNumber} of ${producer.process}: ${what}`,
    ...shown,
    ...(more > 0 ? [`  and ${countOf(more, 'more step')}`] : []),
    ...missingLines(chronicle, path).map((line) => `  ${line}`),
  ];
}

function stepLines(chronicle: Chronicle, { steps }: FilePath): string[] {
  return steps.slice(0, STEPS_SHOWN).map(({ atNs, what }) => {
    const time = atNs === null ? 'time unknown' : chronicle.time(atNs);
    return `  ${time.padStart(16)}  ${what}`;
  });
}

/** The first step that did not happen to the file, as far as the history tells; empty for a verified file. */
export function missingLines(chronicle: Chronicle, path: FilePath): string[] {
  const { records, unseen, hasSum, isVerified, producer } = path;
  if (records.length === 0) return [];
  const lines: string[] = [];
  const isHoled = chronicle.holes.length > 0 ? '; they may be among what was kept as counts' : '';
  const batches = chronicle.events.some(({ event }) => event === 'batch');
  if (!batches) return ['the history has no batches: nobody followed the journals of this run, or it ended before'];
  if (unseen.length > 0) lines.push(`in no batch of the history: ${chunksText(unseen)}${isHoled}`);
  else if (!records.some(({ isEnd }) => isEnd)) lines.push('its end was not generated');
  if (lines.length === 0 && !hasSum) lines.push(`it has no sum in the sums journal${isHoled}`);
  const namesFiles = chronicle.events.some(({ event }) => event === 'verified');
  if (lines.length === 0 && !isVerified) {
    const name = producer?.process ?? 'its chunker';
    lines.push(
      namesFiles
        ? `${name} never reported that its sum is verified`
        : `${name} reports how many sums it has verified, but not which`,
    );
  }
  return lines;
}
