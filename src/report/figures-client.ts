/** Draws the figures of a page in the browser. This module is put into a page as text (`embed.ts`). */

import type { Figure } from './chart.ts';
import { type Colors, chartOption } from './chart-client.ts';
import type { COLORS } from './html.ts';
import { lanesOption, panelsOption } from './time-client.ts';

const NARROW_PX = 640;

type Zoom = { readonly start: number; readonly end: number };
type Chart = {
  setOption: (option: object, replace: boolean) => void;
  getOption: () => { readonly dataZoom?: readonly Zoom[] };
  dispatchAction: (action: object) => void;
  on: (event: string, call: () => void) => void;
  resize: () => void;
};
type Place = { readonly clientWidth: number };
type Listen = (event: string, call: () => void) => void;

declare const document: { getElementById: (id: string) => (Place & { readonly textContent: string }) | null };
declare const window: { addEventListener: Listen };
declare const matchMedia: (query: string) => { matches: boolean; addEventListener: Listen };
declare const echarts: { init: (place: Place) => Chart };

type Drawn = { readonly chart: Chart; readonly draw: (colors: Colors) => void };

function drawnAt(id: string, optionOf: (colors: Colors, width: number) => object): Drawn[] {
  const place = document.getElementById(id);
  if (place === null) return [];
  const chart = echarts.init(place);
  return [{ chart, draw: (colors) => chart.setOption(optionOf(colors, place.clientWidth), true) }];
}

function drawnOf(figure: Figure, index: number): Drawn[] {
  if (figure.of === 'chart') {
    return drawnAt(`figure-${index}`, (colors, width) => chartOption(figure.chart, colors, width < NARROW_PX));
  }
  const { chart } = figure;
  const panels = drawnAt(`figure-${index}`, (colors, width) => panelsOption(chart, colors, width));
  const { faults } = chart;
  if (faults === null) return panels;
  const lanes = drawnAt(`figure-${index}-faults`, (colors, width) => lanesOption(chart, faults, colors, width));
  zoomTogether([...panels, ...lanes].map((one) => one.chart));
  return [...panels, ...lanes];
}

/** A part of the run that is selected in one chart is shown in all. */
function zoomTogether(charts: readonly Chart[]): void {
  let isFollowing = false;
  for (const chart of charts) {
    chart.on('datazoom', () => {
      if (isFollowing) return;
      const [zoom] = chart.getOption().dataZoom ?? [];
      if (zoom === undefined) return;
      isFollowing = true;
      for (const other of charts) {
        if (other !== chart) other.dispatchAction({ type: 'dataZoom', start: zoom.start, end: zoom.end });
      }
      isFollowing = false;
    });
  }
}

function drawFigures(): void {
  const text = document.getElementById('data')?.textContent ?? '';
  const { figures, colors } = JSON.parse(text) as { figures: readonly Figure[]; colors: typeof COLORS };
  const all = figures.flatMap(drawnOf);
  const dark = matchMedia('(prefers-color-scheme: dark)');
  const draw = (): void => {
    for (const one of all) one.draw(dark.matches ? colors.dark : colors.light);
  };
  dark.addEventListener('change', draw);
  window.addEventListener('resize', () => {
    for (const one of all) one.chart.resize();
    draw();
  });
  draw();
}

// Only in a page: a module that imports this file elsewhere, such as a test, has no document.
if (typeof document !== 'undefined') drawFigures();
