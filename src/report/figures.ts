/** The figures of a page: the place of each, its title, and the code that draws it. */

import type { Chart, Figure, TimeChart } from './chart.ts';
import { pageData, pageScripts } from './embed.ts';
import { COLORS, escaped } from './html.ts';

export const FIGURE_STYLE: string = `
.charts { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 560px), 1fr)); gap: 1.5rem; }
figure { margin: 0 0 1.5rem; padding: 1rem; border: 1px solid var(--line); border-radius: 8px; min-width: 0; }
.charts figure { margin: 0; }
figcaption { font-weight: 600; margin-bottom: 0.5rem; }
figure p { margin: 0.5rem 0 0; font-size: 13px; }
.chart { width: 100%; }
@media (max-width: 640px) { figure { padding: 0.75rem 0.25rem; } figcaption, figure p { padding: 0 0.5rem; } }
`;

const CHART_PX = 340;
const PANEL_PX = 210;
const LANE_PX = 20;
/** The room around the panels: for the legend, the times, and the slider when there are no lanes below it. */
const WITH_SLIDER_PX = 90;
const WITHOUT_SLIDER_PX = 50;
const LANES_AROUND_PX = 90;

/** `index`: the number of the figure in the page. */
export function figureHtml(figure: Figure, index: number): string {
  const { title, note } = figure.chart;
  return (
    `<figure><figcaption>${escaped(title)}</figcaption>` +
    `<div role="img" aria-label="${escaped(labelOf(figure))}">${placesOf(figure, index)}</div>` +
    `${note === undefined ? '' : `<p class="minor">${escaped(note)}</p>`}</figure>`
  );
}

function place(id: string, height: number): string {
  return `<div class="chart" id="${id}" style="height: ${height}px"></div>`;
}

/** The places of a chart over time: its panels, and the lanes of faults below them. */
function placesOf(figure: Figure, index: number): string {
  if (figure.of === 'chart') return place(`figure-${index}`, CHART_PX);
  const { panels, faults } = figure.chart;
  const height = panels.length * PANEL_PX + (faults === null ? WITH_SLIDER_PX : WITHOUT_SLIDER_PX);
  if (faults === null) return place(`figure-${index}`, height);
  const lanesHeight = Math.max(1, faults.kinds.length) * LANE_PX + LANES_AROUND_PX;
  return place(`figure-${index}`, height) + place(`figure-${index}-faults`, lanesHeight);
}

/** A description for screen readers. */
function labelOf({ of, chart }: Figure): string {
  const drawn = of === 'chart' ? chartLabel(chart) : timeLabel(chart);
  return `${chart.title}. ${drawn}`;
}

function chartLabel({ yName, xName, series }: Chart): string {
  return `${yName}${xName === undefined ? '' : ` by ${xName}`}: ${series.map(({ name }) => name).join(', ')}`;
}

function timeLabel({ panels, faults }: TimeChart): string {
  const drawn = panels.map(({ name, series }) => `${name}: ${series.map((one) => one.name).join(', ')}`);
  const kinds = faults === null ? [] : [`faults: ${faults.kinds.join(', ')}`];
  return `Over the time of the run. ${[...drawn, ...kinds].join('. ')}`;
}

/** The scripts that draw the figures of a page; they come after the figures. */
export function figureScripts(figures: readonly Figure[]): string[] {
  const without = '<noscript><p>The charts are drawn by JavaScript, which this browser does not run.</p></noscript>';
  return [
    without,
    ...pageScripts({ figures, colors: COLORS }, ['unit-client', 'chart-client', 'time-client', 'figures-client']),
  ];
}

/** The figures of a page that `figureScripts` has made. */
export function figuresOf(page: string): readonly Figure[] {
  return (pageData(page) as { readonly figures: readonly Figure[] }).figures;
}
