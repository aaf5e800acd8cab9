/** `report.html`: the results of a run on one self-contained page, light or dark as the reader's system is. Pure. */

import { escaped, htmlPage } from '../../src/report/html.ts';
import type { LatencyRow } from '../../src/results/latency-row.ts';
import type { RunFile } from '../../src/results/run-folder.ts';
import type { Sample } from '../../src/results/samples.ts';
import { rowsOf, valueText } from '../rows.ts';
import { benchTables } from '../tables.ts';
import { type Chart, chartSvg } from './chart.ts';
import { chartsOf } from './charts.ts';

const STYLE = `
.charts { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 620px), 1fr)); gap: 1.5rem; }
figure { margin: 0; padding: 1rem; border: 1px solid var(--line); border-radius: 8px; }
figcaption { font-weight: 600; margin-bottom: 0.5rem; }
figure svg { width: 100%; height: auto; }
.dark { display: none; }
@media (prefers-color-scheme: dark) { .dark { display: block; } .light { display: none; } }
.rows { overflow-x: auto; }
table { border-collapse: collapse; font-size: 13px; } td, th { padding: 2px 12px 2px 0; text-align: left; }
td.value { text-align: right; font-variant-numeric: tabular-nums; }
tr { border-bottom: 1px solid var(--line); }
`;

export type ReportSource = {
  readonly run: RunFile;
  readonly samples: readonly Sample[];
  readonly latencies: readonly LatencyRow[];
};

export function reportPage({ run, samples, latencies }: ReportSource): string {
  const remarks = run.remarks ?? [];
  const commit = run.commit?.slice(0, 12) ?? 'an unknown commit';
  const title = `Benchmark of ${commit}${run.dirty === true ? ', changed' : ''}`;
  const body = [
    `<h1>${escaped(title)}</h1>`,
    `<p class="minor">${escaped(circumstances(run))}</p>`,
    ...(run.reasons.length === 0 ? [] : [`<p><strong>${escaped(run.reasons.join('; '))}</strong></p>`]),
    '<div class="charts">',
    ...chartsOf(samples, latencies).map(figureOf),
    '</div>',
    `<h2>Tables</h2><pre>${escaped(benchTables(samples, []).join('\n'))}</pre>`,
    `<h2>Remarks</h2>${remarksHtml(remarks)}`,
    `<h2>All rows</h2><div class="rows">${allRows(samples)}</div>`,
  ];
  return htmlPage({ title, style: STYLE, body });
}

function figureOf(chart: Chart): string {
  const [light, dark] = [chartSvg(chart, 'light'), chartSvg(chart, 'dark')];
  return (
    `<figure><figcaption>${escaped(chart.title)}</figcaption>` +
    `<div class="light">${light}</div><div class="dark">${dark}</div></figure>`
  );
}

function remarksHtml(remarks: readonly string[]): string {
  if (remarks.length === 0) return '<p>none</p>';
  return `<ul>${remarks.map((line) => `<li>${escaped(line)}</li>`).join('')}</ul>`;
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
