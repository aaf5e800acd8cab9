/** The violations in a soak's report: what broke, which faults were open then, and where to look. Pure. */

import { formatCount } from '../../src/core/units.ts';
import { escaped } from '../../src/report/html.ts';
import { explainCommand } from '../guarantee/story/command-line.ts';
import { openAt } from './faults.ts';
import type { SoakSource, Story, ViolationRow } from './run-source.ts';

/** The most violations on the page. A count and violations.csv stand for the others. */
const SHOWN_MAX = 100;
const WITNESS = ['journal', 'offset', 'index', 'file_id'] as const;

/**
 * Stories come first when the run has told them; then the single violations are folded away. Empty when nothing was
 * violated. `trace`: the page that draws every event; null: there is none.
 */
export function violationsHtml(source: SoakSource, trace: string | null): string[] {
  const { violations, run } = source;
  if (violations.length === 0) return [];
  const shown = violations.slice(0, SHOWN_MAX).map((row) => violationHtml(source, row, trace));
  const hidden = violations.length - shown.length;
  const more = `<p>${formatCount(hidden)} more are in <a href="violations.csv">violations.csv</a>.</p>`;
  const all = [...shown, ...(hidden > 0 ? [more] : [])];
  const { stories } = run;
  if (stories.length === 0) return ['<h2>Violations</h2>', ...all];
  const summary = `<summary>All ${formatCount(violations.length)} single violations</summary>`;
  const folded = `<details>${summary}${all.join('')}</details>`;
  return ['<h2>Violations</h2>', ...stories.map((story) => storyHtml(source, story, trace)), folded];
}

function storyHtml({ files }: SoakSource, { title, lines, foundS }: Story, trace: string | null): string {
  const links = [
    ...(trace === null || foundS === null
      ? []
      : [linkHtml(`${trace}#at=${foundS}`, 'this moment on the page of all events')]),
    ...(files.includes('evidence/') ? [linkHtml('evidence/witness.txt', 'evidence')] : []),
  ];
  const text = `<p class="reasons">${escaped(lines.join('\n'))}</p>`;
  const more = links.length === 0 ? '' : `<p>${links.join(' · ')}</p>`;
  return `<section class="violation"><p><strong>${escaped(title)}</strong></p>${text}${more}</section>`;
}

function linkHtml(address: string, text: string): string {
  return `<a href="${escaped(address)}">${escaped(text)}</a>`;
}

function violationHtml(source: SoakSource, row: ViolationRow, trace: string | null): string {
  const text = (column: string): string => row[column] ?? '';
  const atS = Number(text('elapsed_s'));
  const witness = WITNESS.filter((name) => text(name) !== '').map((name) => `${name} ${text(name)}`);
  const lines = [
    `<strong>${escaped(text('kind'))}</strong> found by ${escaped(text('process'))} at ${atS.toFixed(3)} s` +
      (witness.length === 0 ? '' : `: ${escaped(witness.join(', '))}`),
    escaped(text('detail')),
    openHtml(source, atS),
    linksHtml(source, row, trace),
    ...commandsHtml(source, row),
  ];
  return `<section class="violation">${lines.map((line) => `<p>${line}</p>`).join('')}</section>`;
}

function openHtml({ faults }: SoakSource, atS: number): string {
  const open = openAt(faults, atS);
  if (open.length === 0) return 'No fault was open then.';
  const named = open.map(
    ({ id, kind, target, injectedS }) =>
      `fault ${id}, ${kind} of ${target}, injected ${(atS - injectedS).toFixed(3)} s before`,
  );
  return `Open then: ${escaped(named.join('; '))}.`;
}

function linksHtml({ logs, files }: SoakSource, row: ViolationRow, trace: string | null): string {
  const links: string[] = [];
  const { elapsed_s: atS = '', file_id: file = '', process = '' } = row;
  if (trace !== null) {
    const place = new URLSearchParams({ at: atS, ...(file === '' ? {} : { file }) });
    links.push(linkHtml(`${trace}#${place.toString()}`, 'this moment on the page of all events'));
  }
  if (files.includes('evidence/')) links.push(linkHtml('evidence/', 'evidence'));
  const log = `${process}.log`;
  if (logs.includes(log)) links.push(linkHtml(`logs/${encodeURIComponent(log)}`, `log of ${process}`));
  return links.length === 0 ? 'Nothing of it is drawn: there is no history.' : links.join(' · ');
}

function commandsHtml({ name }: SoakSource, { elapsed_s: atS = '', file_id: file = '' }: ViolationRow): string[] {
  const ways = [['--around', `${atS}s`], ...(file === '' ? [] : [['--file', file]])];
  return ways.map((way) => `<code>${escaped(explainCommand(`results/${name}`, ...way).join(' '))}</code>`);
}
