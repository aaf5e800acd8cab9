/** `report.html`: what a run came to on one page that needs nothing else, light or dark as the reader's system is. Pure. */

import type { LatencyRow } from '../../src/results/latency-row.ts';
import type { RunFile } from '../../src/results/run-folder.ts';
import type { Sample } from '../../src/results/samples.ts';
import { rowsOf, valueText } from '../rows.ts';
import { benchTables } from '../tables.ts';
import { chartSvg } from './chart.ts';
import { chartsOf } from './charts.ts';

const STYLE = `
:root { color-scheme: light dark; --back: #ffffff; --text: #1f2328; --minor: #57606a; --line: #d0d7de; --box: #f6f8fa; }
@media (prefers-color-scheme: dark) {
  :root { --back: #0d1117; --text: #e6edf3; --minor: #9da7b3; --line: #30363d; --box: #161b22; }
}
body { margin: 2rem auto; max-width: 1500px; padding: 0 1rem; background: var(--back); color: var(--text);
  font: 15px/1.5 system-ui, sans-serif; }
h1 { font-size: 1.4rem; } h2 { font-size: 1.1rem; margin-top: 2.5rem; }
.charts { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 620px), 1fr)); gap: 1.5rem; }
figure { margin: 0; padding: 1rem; border: 1px solid var(--line); border-radius: 8px; }
figcaption { font-weight: 600; margin-bottom: 0.5rem; }
figure svg { width: 100%; height: auto; }
.dark { display: none; }
@media (prefers-color-scheme: dark) { .dark { display: block; } .light { display: none; } }
pre, .rows { overflow-x: auto; } pre { background: var(--box); padding: 1rem; border-radius: 8px; font-size: 13px; }
table { border-collapse: collapse; font-size: 13px; } td, th { padding: 2px 12px 2px 0; text-align: left; }
td.value { text-align: right; font-variant-numeric: tabular-nums; }
tr { border-bottom: 1px solid var(--line); } .minor { color: var(--minor); }
`;

export type ReportSource = {
  readonly run: RunFile;
  readonly samples: readonly Sample[];
  readonly latencies: readonly LatencyRow[];
};

export function reportPage({ run, samples, latencies }: ReportSource): string {
  const remarks = run.remarks ?? [];
  const title = `Benchmark of ${run.commit?.slice(0, 12) ?? 'an unknown commit'}${run.dirty === true ? ', changed' : ''}`;
  return [
    '<!doctype html>',
    '<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">',
    `<title>${escaped(title)}</title><style>${STYLE}</style></head><body>`,
    `<h1>${escaped(title)}</h1>`,
    `<p class="minor">${escaped(circumstances(run))}</p>`,
    ...(run.reasons.length === 0 ? [] : [`<p><strong>${escaped(run.reasons.join('; '))}</strong></p>`]),
    '<div class="charts">',
    ...chartsOf(samples, latencies).map(
      (chart) =>
        `<figure><figcaption>${escaped(chart.title)}</figcaption><div class="light">${chartSvg(chart, 'light')}</div><div class="dark">${chartSvg(chart, 'dark')}</div></figure>`,
    ),
    '</div>',
    `<h2>Tables</h2><pre>${escaped(benchTables(samples, []).join('\n'))}</pre>`,
    `<h2>Remarks</h2>${remarks.length === 0 ? '<p>none</p>' : `<ul>${remarks.map((line) => `<li>${escaped(line)}</li>`).join('')}</ul>`}`,
    `<h2>All rows</h2><div class="rows">${allRows(samples)}</div>`,
    '</body></html>\n',
  ].join('\n');
}

function circumstances({ verdict, startedAt, environment, seed, commandLine }: RunFile): string {
  const { cpu, cores, kernel, node, filesystem, addonBackend } = environment;
  return [
    verdict ?? 'not finished',
    startedAt,
    `${cpu ?? 'unknown processor'}, ${cores} cores`,
    `Linux ${kernel}, Node ${node}, ${filesystem ?? 'unknown file system'}`,
    `backend ${addonBackend ?? 'unknown'}`,
    `seed ${seed}`,
    commandLine.join(' '),
  ].join(' · ');
}

function allRows(samples: readonly Sample[]): string {
  const rows = rowsOf(samples).map(({ suite, benchmark, parameters, metric, unit, better, values, median }) => {
    const [low, high] = [values[0] ?? null, values.at(-1) ?? null];
    const words = [suite, benchmark, parameters, metric, better].map((text) => `<td>${escaped(text)}</td>`);
    const figures = [median, low, high].map((value) => `<td class="value">${escaped(valueText(value, unit))}</td>`);
    return `<tr>${words.join('')}${figures.join('')}<td class="value">${values.length}</td></tr>`;
  });
  const names = ['suite', 'benchmark', 'parameters', 'metric', 'better', 'median', 'least', 'greatest', 'rounds'];
  return `<table><tr>${names.map((name) => `<th>${name}</th>`).join('')}</tr>${rows.join('\n')}</table>`;
}

function escaped(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;');
}
