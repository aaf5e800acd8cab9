/**
 * Draws a timeline in the browser. It is compiled like every module, and its text is put into the page (`timeline.ts`).
 * So it imports only types, and declares here what it uses of the browser.
 */

import type { COLORS, Theme } from './html.ts';
import type { Timeline } from './timeline.ts';

type Colors = (typeof COLORS)[Theme];
type Chart = { setOption: (option: object, replace: boolean) => void; resize: () => void };
type Element = {
  value: string;
  textContent: string;
  hidden: boolean;
  clientWidth: number;
  addEventListener: (event: string, call: () => void) => void;
};
/** What a custom series gets to draw one item with. */
type Api = {
  value: (dimension: number) => number;
  coord: (place: readonly [number, number]) => [number, number];
  size: (size: readonly [number, number]) => [number, number];
};
type Custom = { readonly coordSys: { x: number; y: number; width: number; height: number } };

declare const document: { getElementById: (id: string) => Element };
declare const window: { addEventListener: (event: string, call: () => void) => void };
declare const location: { readonly hash: string };
declare const matchMedia: (query: string) => { matches: boolean; addEventListener: Element['addEventListener'] };
declare const echarts: {
  init: (element: Element) => Chart;
  graphic: { clipRectByRect: (shape: object, within: object) => object | undefined };
};

/** How many seconds before and after are drawn when the address of the page names a time. */
const AROUND_S = 1;

/** Colours of Okabe and Ito: colour-blind eyes tell them apart, and they are readable on light and dark. */
const KIND_COLORS = ['#0072b2', '#e69f00', '#009e73', '#cc79a7', '#56b4e9', '#999999', '#b8a800'];
const FAULT = '#d55e00';
const VIOLATION = '#e5004f';
/** The kind of mark that says when a planted bug took effect. */
const PLANTED = 'planted bug';
const PATH = '#8250df';
const NARROW_PX = 640;

/** A rectangle on a lane: its time from and to, and its part of the lane's height. */
function rectangle(api: Api, given: Custom, part: { from: number; to: number; least: number }): object | undefined {
  const lane = api.value(0);
  const [left, middle] = api.coord([api.value(1), lane]);
  const [right] = api.coord([api.value(2), lane]);
  const [, height] = api.size([0, 1]);
  const top = middle - height / 2 + height * part.from;
  const shape = { x: left, y: top, width: Math.max(part.least, right - left), height: height * (part.to - part.from) };
  return echarts.graphic.clipRectByRect(shape, given.coordSys);
}

function custom(name: string, color: string, data: readonly object[], part: Parameters<typeof rectangle>[2]): object {
  return {
    name,
    type: 'custom',
    clip: true,
    itemStyle: { color },
    dimensions: ['lane', 'from', 'to', 'opacity'],
    encode: { x: [1, 2], y: 0 },
    data,
    renderItem: (given: Custom, api: Api) => {
      const shape = rectangle(api, given, part);
      return shape === undefined ? null : { type: 'rect', shape, style: { fill: color, opacity: api.value(3) } };
    },
  };
}

function item(value: readonly number[], text: string): object {
  return { value, text };
}

function lifeSeries({ spans, phases, activity }: Timeline, colors: Colors): object[] {
  const areas = phases.map(({ name, fromS, toS }, index) => [
    { name, xAxis: fromS, itemStyle: { color: colors.text, opacity: index % 2 === 0 ? 0.03 : 0.07 } },
    { xAxis: toS },
  ]);
  const starting = spans.map(({ lane, fromS, toS, readyS, text }) => item([lane, fromS, readyS ?? toS, 0.35], text));
  const serving = spans.flatMap(({ lane, toS, readyS, text }) =>
    readyS === null ? [] : [item([lane, readyS, toS, 0.85], text)],
  );
  const most = Math.max(1, ...activity.counts.flat());
  const steps = activity.counts.flatMap((counts, lane) =>
    counts.flatMap((count, step) => {
      const fromS = step * activity.stepS;
      const opacity = 0.2 + (0.8 * Math.log(count + 1)) / Math.log(most + 1);
      if (count === 0) return [];
      return [item([lane, fromS, fromS + activity.stepS, opacity], `${count} events from ${fromS.toFixed(3)} s on`)];
    }),
  );
  const phaseArea = { silent: true, label: { color: colors.minor, position: 'insideTop' }, data: areas };
  return [
    { ...custom('starts', '#56b4e9', starting, { from: 0.28, to: 0.62, least: 2 }), markArea: phaseArea },
    custom('serves', '#0072b2', serving, { from: 0.28, to: 0.62, least: 2 }),
    custom('events', '#009e73', steps, { from: 0.66, to: 0.86, least: 1 }),
  ];
}

function markSeries({ marks, faults, violations }: Timeline): object[] {
  const kinds = [...new Set(marks.map(({ kind }) => kind))];
  const faultItems = faults.flatMap(({ lanes, atS, toS, hasHit, text }) =>
    lanes.map((lane) => item([lane, atS, toS, hasHit ? 0.75 : 0.3], text)),
  );
  const violationItems = violations.map(({ lane, atS, text }) => item([atS, lane], text));
  const lines = violations.map(({ atS }) => ({ xAxis: atS }));
  return [
    ...kinds.map((kind, index) => ({
      name: kind,
      type: 'scatter',
      symbolSize: kind === PLANTED ? 16 : 8,
      itemStyle: {
        color: kind === PLANTED ? VIOLATION : KIND_COLORS[(index + 1) % KIND_COLORS.length],
        borderColor: '#fff',
        borderWidth: 1,
      },
      data: marks.filter((mark) => mark.kind === kind).map(({ lane, atS, text }) => item([atS, lane], text)),
    })),
    custom('faults', FAULT, faultItems, { from: 0.06, to: 0.24, least: 4 }),
    {
      name: 'violations',
      type: 'scatter',
      symbol: 'diamond',
      symbolSize: 18,
      z: 10,
      itemStyle: { color: VIOLATION },
      data: violationItems,
      markLine: {
        silent: true,
        symbol: 'none',
        label: { show: false },
        lineStyle: { color: VIOLATION, width: 2, type: 'solid' },
        data: lines,
      },
    },
  ];
}

function pathSeries({ files }: Timeline, chosen: string): object {
  const track = files.find(({ id }) => id === chosen);
  return {
    name: 'path of the file',
    type: 'line',
    z: 9,
    symbol: 'circle',
    symbolSize: 9,
    lineStyle: { color: PATH, width: 2 },
    itemStyle: { color: PATH },
    data: track?.steps.map(({ atS, lane, text }) => item([atS, lane], text)) ?? [],
  };
}

type View = { readonly isNarrow: boolean; readonly atS: number | null };

/** The place that the address names: `#at=12.5&file=ID`, or only one of both. */
type Place = { readonly atS: number | null; readonly file: string | null };

function placeIn(hash: string): Place {
  const asked = new URLSearchParams(hash.replace(/^#/, ''));
  const at = asked.get('at') ?? '';
  return { atS: at === '' || !Number.isFinite(Number(at)) ? null : Number(at), file: asked.get('file') };
}

function optionOf(timeline: Timeline, colors: Colors, chosen: string, { isNarrow, atS }: View): object {
  const zoom = atS === null ? {} : { startValue: Math.max(0, atS - AROUND_S), endValue: atS + AROUND_S };
  const axis = { axisLabel: { color: colors.text }, axisLine: { lineStyle: { color: colors.line } } };
  const series = [...lifeSeries(timeline, colors), ...markSeries(timeline), pathSeries(timeline, chosen)];
  return {
    animation: false,
    backgroundColor: 'transparent',
    legend: { type: 'scroll', top: 0, textStyle: { color: colors.text }, pageIconColor: colors.text },
    tooltip: {
      confine: true,
      backgroundColor: colors.box,
      borderColor: colors.line,
      extraCssText: 'max-width: min(90vw, 42rem); white-space: normal; overflow-wrap: anywhere;',
      textStyle: { color: colors.text },
      renderMode: 'richText',
      formatter: ({ data }: { data?: { text?: string } }) => wrapped(data?.text ?? ''),
    },
    grid: { left: isNarrow ? 92 : 120, right: 16, top: 44, bottom: 84 },
    xAxis: {
      ...axis,
      type: 'value',
      min: 0,
      max: Math.ceil(timeline.endS * 10) / 10,
      name: 'seconds since the run began',
      nameLocation: 'middle',
      nameGap: 26,
      nameTextStyle: { color: colors.minor },
      axisLabel: { color: colors.text, hideOverlap: true, formatter: secondsText },
      splitLine: { lineStyle: { color: colors.line, opacity: 0.5 } },
    },
    yAxis: {
      ...axis,
      type: 'category',
      inverse: true,
      data: timeline.lanes,
      splitLine: { show: true, lineStyle: { color: colors.line } },
      axisLabel: { color: colors.text, interval: 0 },
    },
    dataZoom: [
      { type: 'inside', filterMode: 'weakFilter', ...zoom },
      {
        ...zoom,
        type: 'slider',
        filterMode: 'weakFilter',
        bottom: 8,
        height: 24,
        showDataShadow: false,
        labelFormatter: secondsText,
        textStyle: { color: colors.minor },
      },
    ],
    series,
  };
}

/** Seconds, down to microseconds when there are any. */
function secondsText(value: number): string {
  return String(Math.round(value * 1e6) / 1e6);
}

/** Lines of limited length, because a tooltip in a canvas does not wrap. */
function wrapped(text: string): string {
  return text.replaceAll(/(?<line>[^\n]{1,84})(?:\s+|$)/g, '$<line>\n').trim();
}

function showPath({ files }: Timeline, chosen: string): void {
  const path = document.getElementById('path');
  const track = files.find(({ id }) => id === chosen);
  path.hidden = track === undefined;
  const steps = track?.steps ?? [];
  path.textContent = [track?.label ?? '', ...steps.map(({ atS, text }) => `${atS.toFixed(6)} s  ${text}`)].join('\n');
}

export function drawTimeline(): void {
  const text = document.getElementById('data').textContent;
  const { timeline, colors } = JSON.parse(text) as { timeline: Timeline; colors: typeof COLORS };
  const element = document.getElementById('chart');
  const file = document.getElementById('file');
  const chart = echarts.init(element);
  const dark = matchMedia('(prefers-color-scheme: dark)');
  const draw = (): void => {
    const theme = dark.matches ? colors.dark : colors.light;
    const view = { isNarrow: element.clientWidth < NARROW_PX, atS: place.atS };
    chart.setOption(optionOf(timeline, theme, file.value, view), true);
    showPath(timeline, file.value);
  };
  let place: Place = { atS: null, file: null };
  const goTo = (): void => {
    place = placeIn(location.hash);
    const [first] = timeline.files;
    file.value = timeline.files.find(({ id }) => id === place.file)?.id ?? first?.id ?? '';
    draw();
  };
  window.addEventListener('hashchange', goTo);
  file.addEventListener('input', draw);
  dark.addEventListener('change', draw);
  window.addEventListener('resize', () => {
    chart.resize();
    draw();
  });
  goTo();
}

// Only in a page: a module that imports this file elsewhere, such as a test, has no document.
if (typeof document !== 'undefined') drawTimeline();
