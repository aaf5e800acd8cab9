/** `report.html`: the results of a run on one self-contained page, light or dark as the reader's system is. Pure. */

import type { Figure } from '../../src/report/chart.ts';
import { FIGURE_STYLE, figureHtml, figureScripts } from '../../src/report/figures.ts';
import { escaped, htmlPage, tableHtml } from '../../src/report/html.ts';
import type { LatencyRow } from '../../src/results/latency-row.ts';
import type { RunFile } from '../../src/results/run-folder.ts';
import type { Sample } from '../../src/results/samples.ts';
import { rowsOf, valueText } from '../rows.ts';
import { benchTables } from '../tables.ts';
import { chartsOf } from './charts.ts';

export type ReportSource = {
  readonly run: RunFile;
  readonly samples: readonly Sample[];
  readonly latencies: readonly LatencyRow[];
};

export function reportPage({ run, samples, latencies }: ReportSource): string {
  const remarks = run.remarks ?? [];
  const commit = run.commit?.slice(0, 12) ?? 'an unknown commit';
  const title = `Benchmark of ${commit}${run.dirty === true ? ', changed' : ''}`;
  const figures = chartsOf(samples, latencies).map((chart): Figure => ({ of: 'chart', chart }));
  const body = [
    `<h1>${escaped(title)}</h1>`,
    `<p class="minor">${escaped(circumstances(run))}</p>`,
    ...(run.reasons.length === 0 ? [] : [`<p><strong>${escaped(run.reasons.join('; '))}</strong></p>`]),
    '<div class="charts">',
    ...figures.map(figureHtml),
    '</div>',
    `<h2>Tables</h2><pre>${escaped(benchTables(samples, []).join('\n'))}</pre>`,
    `<h2>Remarks</h2>${remarksHtml(remarks)}`,
    `<h2>All rows</h2>${allRows(samples)}`,
    ...figureScripts(figures),
  ];
  return htmlPage({ title, style: FIGURE_STYLE, body });
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
  const words = ['suite', 'benchmark', 'parameters', 'metric', 'better'].map((name) => ({ name }));
  const figures = ['median', 'least', 'greatest', 'rounds'].map((name) => ({ name, isNumber: true }));
  const rows = rowsOf(samples).map(({ suite, benchmark, parameters, metric, unit, better, values, median }) => {
    const [low, high] = [values[0] ?? null, values.at(-1) ?? null];
    const shown = [median, low, high].map((value) => valueText(value, unit));
    return [suite, benchmark, parameters, metric, better, ...shown, String(values.length)];
  });
  return tableHtml({ columns: [...words, ...figures], rows: rows.map((row) => row.map(escaped)) });
}
