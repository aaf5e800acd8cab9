/** `report.html` of a soak: the results on one self-contained page. Pure. */

import { formatCount, formatDuration } from '../../src/core/units.ts';
import type { Figure } from '../../src/report/chart.ts';
import { FIGURE_STYLE, figureHtml, figureScripts } from '../../src/report/figures.ts';
import { escaped, htmlPage } from '../../src/report/html.ts';
import { explainCommand, quoted, repeatCommand } from '../guarantee/story/command-line.ts';
import { percentileFigure, resourceFigures, timelineFigure } from './charts.ts';
import { outcomesByKind } from './faults.ts';
import type { SoakSource } from './run-source.ts';
import {
  configurationHtml,
  environmentHtml,
  filesHtml,
  latencyTable,
  matrixHtml,
  recoveryHtml,
  slopesHtml,
} from './tables.ts';
import { violationsHtml } from './violations.ts';

/** The name of the page that draws every event of the run, beside the report. */
export const TRACE_NAME: string = 'trace.html';

const VERDICT_CLASSES = new Map([
  ['HOLDS', 'holds'],
  ['VIOLATED', 'violated'],
]);
const MEANINGS = new Map([
  ['HOLDS', 'Load, faults and checks took place, and every completed file got exactly one right sum in time.'],
  ['VIOLATED', 'A guarantee broke.'],
  ['INCONCLUSIVE', 'The run does not show that the guarantee holds: evidence is missing.'],
]);
const NOT_ENDED = 'The run goes on, or was killed before its verdict. What follows is what its folder has.';

const STYLE = `
.verdict { border-left: 8px solid var(--color); background: var(--box); padding: 1rem 1.25rem; border-radius: 8px; }
.verdict h1 { margin: 0; font-size: 1.6rem; } .verdict p { margin: 0.4rem 0 0; overflow-wrap: anywhere; }
.holds { --color: #1a7f37; } .violated { --color: #cf222e; } .inconclusive { --color: #bf8700; }
.verdict h1 span { color: var(--color); }
@media (prefers-color-scheme: dark) {
  .holds { --color: #3fb950; } .violated { --color: #ff7b72; } .inconclusive { --color: #e3b341; }
}
.reasons { white-space: pre-wrap; overflow-wrap: anywhere; }
.facts { display: grid; grid-template-columns: repeat(auto-fit, minmax(165px, 1fr)); gap: 0.75rem; margin: 1.25rem 0; }
.facts div { border: 1px solid var(--line); border-radius: 8px; padding: 0.6rem 0.8rem; }
.facts dt { color: var(--minor); font-size: 13px; } .facts dd { margin: 0; font-size: 1.1rem; font-weight: 600; }
.facts dd small { font-weight: 400; font-size: 13px; }
.facts .wide { grid-column: span 2; } .facts .wide dd { line-height: 1.3; }
code { font-size: 13px; overflow-wrap: anywhere; } pre { white-space: pre-wrap; overflow-wrap: anywhere; }
.bar { display: inline-block; height: 0.6em; background: #0072b2; border-radius: 2px; min-width: 1px; }
.cell { background: color-mix(in srgb, #0072b2 var(--share), transparent); }
.none { color: var(--minor); } .missing { color: var(--color); font-weight: 600; }
.violation { border: 1px solid var(--line); border-left: 4px solid #cf222e; border-radius: 8px;
  padding: 0.75rem 1rem; margin: 0.75rem 0; overflow-wrap: anywhere; }
.violation p { margin: 0.35rem 0; }
a { color: #0969da; } @media (prefers-color-scheme: dark) { a { color: #58a6ff; } }
.columns { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 480px), 1fr)); gap: 0 2.5rem; }
.columns table, .wide table { width: 100%; } .columns td { overflow-wrap: anywhere; }
.columns td:first-child { white-space: nowrap; color: var(--minor); }
`;

/** `trace`: whether the page that draws every event is beside the report. */
export function soakPage(source: SoakSource, { hasTrace }: { hasTrace: boolean }): string {
  const { run, name, faults, askedKinds } = source;
  const outcomes = outcomesByKind(faults, askedKinds);
  const timeline = timelineFigure(source);
  const percentiles = percentileFigure(source);
  const resources = resourceFigures(source);
  const figures: Figure[] = [timeline, ...(percentiles === null ? [] : [percentiles]), ...resources];
  const drawn = (figure: Figure): string => figureHtml(figure, figures.indexOf(figure));
  const body = [
    '<main>',
    verdictHtml(source),
    factsHtml(source, outcomes),
    ...violationsHtml(source, hasTrace ? TRACE_NAME : null),
    '<h2>The run over time</h2>',
    source.intervals.rows === 0 ? '<p>No second of this run is recorded.</p>' : drawn(timeline),
    '<h2>Latency by phase</h2>',
    percentiles === null ? '<p>No latency is recorded.</p>' : drawn(percentiles),
    latencyTable(source),
    '<h2>Recovery by fault</h2>',
    recoveryHtml(outcomes),
    '<h2>Faults by moment</h2>',
    matrixHtml(faults, outcomes),
    '<h2>Resources</h2>',
    resources.length === 0
      ? '<p>Nothing is recorded.</p>'
      : `<div class="charts">${resources.map(drawn).join('')}</div>`,
    slopesHtml(source),
    '<h2>Repeat and read on</h2>',
    ...repeatHtml(source, hasTrace),
    filesHtml(source),
    '<h2>Configuration and environment</h2>',
    `<div class="columns">${configurationHtml(run)}${environmentHtml(run)}</div>`,
    '</main>',
    ...figureScripts(figures),
  ];
  return htmlPage({ title: `${run.verdict ?? 'No verdict'}: ${name}`, style: FIGURE_STYLE + STYLE, body });
}

function verdictHtml({ run, name, problems }: SoakSource): string {
  const { verdict, reasons, expectations, seed, commit, isChanged, startedAt } = run;
  const build = commit === null ? 'an unknown commit' : `commit ${commit.slice(0, 12)}${isChanged ? ', changed' : ''}`;
  const circumstances = [name, `seed ${seed}`, build, startedAt].join(' · ');
  const meaning = verdict === null ? NOT_ENDED : (MEANINGS.get(verdict) ?? '');
  return [
    `<header class="verdict ${VERDICT_CLASSES.get(verdict ?? '') ?? 'inconclusive'}">`,
    `<h1><span>${escaped(verdict ?? 'NO VERDICT')}</span></h1><p>${escaped(meaning)}</p>`,
    ...(reasons.length === 0 ? [] : [`<p class="reasons">${escaped(reasons.join('\n'))}</p>`]),
    ...expectations.map(({ text, isMet, measured }) => {
      const met = isMet ? 'met' : '<strong>NOT MET</strong>';
      return `<p>Expected ${escaped(text)}: ${met}, ${escaped(measured)}</p>`;
    }),
    ...problems.map((problem) => `<p>Not shown: ${escaped(problem)}</p>`),
    `<p class="minor">${escaped(circumstances)}</p></header>`,
  ].join('');
}

/** The evidence for the verdict. */
function factsHtml({ intervals, run, violations }: SoakSource, outcomes: ReturnType<typeof outcomesByKind>): string {
  const hit = outcomes.filter(({ proven }) => proven > 0);
  const hits = hit.reduce((count, { proven }) => count + proven, 0);
  const greatest = (of: (outcome: (typeof outcomes)[number]) => number | null): string => {
    const values = hit.flatMap((outcome) => of(outcome) ?? []);
    return values.length === 0 ? '-' : formatDuration(1e3 * Math.max(...values));
  };
  const crashes = Object.entries(run.crashes).map(([process, count]) => `${process} ${String(count)}`);
  const facts: (readonly [string, string])[] = [
    ['length', formatDuration(intervals.endS * 1e3)],
    ['fault kinds proven', `${hit.length} <small>of ${outcomes.length}</small>`],
    ['faults proven', formatCount(hits)],
    ['longest recovery', greatest(({ longestS }) => longestS)],
    ['longest time without a sum', greatest(({ longestGapS }) => longestGapS)],
    ['chunks published', formatCount(intervals.totals.get('chunks_published') ?? 0)],
    ['sums verified', formatCount(intervals.totals.get('sums_verified') ?? 0)],
    ['violations', formatCount(violations.length)],
    ['audited', `<small>${escaped(run.audit ?? 'not known')}</small>`],
    ...(crashes.length === 0 ? [] : ([['crashes', `<small>${escaped(crashes.join(', '))}</small>`]] as const)),
  ];
  const shown = facts.map(([term, text]) => {
    const width = text.startsWith('<small>') ? ' class="wide"' : '';
    return `<div${width}><dt>${term}</dt><dd>${text}</dd></div>`;
  });
  return `<dl class="facts">${shown.join('')}</dl>`;
}

function repeatHtml({ run, name, hasHistory }: SoakSource, hasTrace: boolean): string[] {
  const { commit, verdict, commandLine, seed } = run;
  const explain = (...flags: string[]): string => explainCommand(`results/${name}`, ...flags).join(' ');
  const lines = [
    '# the same data and the same faults again',
    // Without a build the program would still be that of the other commit.
    ...(commit === null ? [] : [`git checkout ${quoted(commit)} && npm ci`]),
    repeatCommand(commandLine, seed).join(' '),
    '',
    '# what happened, from the folder of this run',
    explain(...(verdict === 'HOLDS' ? [] : ['--why'])),
    ...(hasHistory && !hasTrace ? [explain('--trace', TRACE_NAME)] : []),
  ];
  const trace = `<p><a href="${TRACE_NAME}">${TRACE_NAME}</a> draws every event of the run, a lane a process.</p>`;
  return [`<pre>${escaped(lines.join('\n'))}</pre>`, ...(hasTrace ? [trace] : [])];
}
