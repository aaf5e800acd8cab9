/**
 * A page that shows a run as lanes of processes over time: lives, faults, events, the paths of files. The page is one
 * self-contained file: it holds the chart library, the drawing code (`timeline-client.ts`) and the data.
 */

import { pageData, pageScripts } from './embed.ts';
import { COLORS, escaped, htmlPage } from './html.ts';

/** Times are seconds since the run began; lanes are indexes of `lanes`. */
export type Timeline = {
  readonly title: string;
  /** How the run ended, and what was found. */
  readonly lines: readonly string[];
  readonly endS: number;
  readonly lanes: readonly string[];
  readonly phases: readonly { readonly name: string; readonly fromS: number; readonly toS: number }[];
  readonly spans: readonly Span[];
  /** By lane, the number of events in each step of time. */
  readonly activity: { readonly stepS: number; readonly counts: readonly (readonly number[])[] };
  readonly marks: readonly Mark[];
  readonly faults: readonly FaultMark[];
  readonly violations: readonly Mark[];
  readonly files: readonly FileTrack[];
  /** What is not drawn, one line for each thing. */
  readonly leftOut: readonly string[];
};

/** A life of a process. It serves from `readyS` on; null: it never served. */
export type Span = {
  readonly lane: number;
  readonly fromS: number;
  readonly toS: number;
  readonly readyS: number | null;
  readonly text: string;
};
export type Mark = { readonly lane: number; readonly atS: number; readonly kind: string; readonly text: string };
/** A fault on each of its lanes, from its injection until it was known to have hit. */
export type FaultMark = {
  readonly lanes: readonly number[];
  readonly atS: number;
  readonly toS: number;
  readonly hasHit: boolean;
  readonly text: string;
};
export type FileTrack = {
  readonly id: string;
  readonly label: string;
  readonly steps: readonly { readonly lane: number; readonly atS: number; readonly text: string }[];
};

const STYLE = `
#chart { width: 100%; } .bar { display: flex; flex-wrap: wrap; gap: 0.5rem 1rem; align-items: center; margin: 1rem 0; }
input { font: inherit; width: min(100%, 24rem); color: var(--text); background: var(--box);
  border: 1px solid var(--line); border-radius: 6px; padding: 0.3rem 0.6rem; }
#path { max-height: 22rem; overflow: auto; }
`;
const LANE_PX = 34;
const AROUND_PX = 190;

export function timelinePage(timeline: Timeline): string {
  const { title, lines, lanes, files, leftOut } = timeline;
  const height = lanes.length * LANE_PX + AROUND_PX;
  const options = files.map(({ id, label }) => `<option value="${escaped(id)}">${escaped(label)}</option>`);
  const body = [
    `<h1>${escaped(title)}</h1>`,
    `<pre id="story">${escaped(lines.join('\n'))}</pre>`,
    '<div class="bar"><label for="file">Path of a file</label>',
    `<input id="file" list="files" placeholder="the id of one of ${files.length} files">`,
    `<datalist id="files">${options.join('')}</datalist>`,
    '<span class="minor">Wheel or pinch: zoom. Drag: pan. The legend hides kinds of events.</span></div>',
    `<div id="chart" style="height: ${height}px"></div>`,
    '<pre id="path" hidden></pre>',
    ...(leftOut.length === 0 ? [] : [`<p class="minor" id="left-out">Not drawn: ${escaped(leftOut.join('; '))}.</p>`]),
    ...pageScripts({ timeline, colors: COLORS }, ['timeline-client']),
  ];
  return htmlPage({ title, style: STYLE, body });
}

/** The data of a page that `timelinePage` has made. */
export function timelineOf(page: string): Timeline {
  return (pageData(page) as { readonly timeline: Timeline }).timeline;
}
