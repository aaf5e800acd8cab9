/**
 * What all pages of this program share. Each page is one self-contained file, light or dark like the reader's system.
 */

/** Colors by name, for the style of a page and for what is drawn on it. */
export const COLORS = {
  light: { back: '#ffffff', text: '#1f2328', minor: '#57606a', line: '#d0d7de', box: '#f6f8fa' },
  dark: { back: '#0d1117', text: '#e6edf3', minor: '#9da7b3', line: '#30363d', box: '#161b22' },
} as const;

export type Theme = keyof typeof COLORS;

const variables = (theme: Theme): string =>
  Object.entries(COLORS[theme])
    .map(([name, color]) => `--${name}: ${color};`)
    .join(' ');

const STYLE = `
:root { color-scheme: light dark; ${variables('light')} }
@media (prefers-color-scheme: dark) { :root { ${variables('dark')} } }
body { margin: 2rem auto; max-width: 1500px; padding: 0 1rem; background: var(--back); color: var(--text);
  font: 15px/1.5 system-ui, sans-serif; }
h1 { font-size: 1.4rem; } h2 { font-size: 1.1rem; margin-top: 2.5rem; }
pre { overflow-x: auto; background: var(--box); padding: 1rem; border-radius: 8px; font-size: 13px; }
.minor { color: var(--minor); }
.rows { overflow-x: auto; }
table { border-collapse: collapse; font-size: 13px; }
td, th { padding: 3px 12px 3px 0; text-align: left; vertical-align: top; }
td:first-child, th { white-space: nowrap; }
td.value, th.value { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap; }
tr { border-bottom: 1px solid var(--line); }
@media (max-width: 640px) { body { margin: 1rem auto; padding: 0 0.75rem; } }
`;

/** A page loads nothing: the browser refuses every request. */
const POLICY = "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; img-src data:";

/** `body` is already HTML; `style` follows the style of all pages. */
export function htmlPage({ title, style, body }: { title: string; style: string; body: readonly string[] }): string {
  return [
    '<!doctype html>',
    '<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">',
    `<meta http-equiv="Content-Security-Policy" content="${POLICY}">`,
    `<title>${escaped(title)}</title><style>${STYLE}${style}</style></head><body>`,
    ...body,
    '</body></html>\n',
  ].join('\n');
}

export type Column = { readonly name: string; readonly isNumber?: boolean };

/** A table that scrolls when it is wider than the page. Cells are HTML already, in the order of the columns. */
export function tableHtml(table: {
  /** A description for screen readers. */
  readonly label?: string;
  readonly columns: readonly Column[];
  readonly rows: readonly (readonly string[])[];
}): string {
  const { label, columns, rows } = table;
  const classOf = ({ isNumber = false }: Column = { name: '' }): string => (isNumber ? ' class="value"' : '');
  const head = columns.map((column) => `<th scope="col"${classOf(column)}>${escaped(column.name)}</th>`);
  const body = rows.map(
    (row) => `<tr>${row.map((cell, at) => `<td${classOf(columns[at])}>${cell}</td>`).join('')}</tr>`,
  );
  const named = label === undefined ? '' : ` aria-label="${escaped(label)}"`;
  return (
    `<div class="rows" tabindex="0" role="region"${named}><table><thead><tr>${head.join('')}</tr></thead>` +
    `<tbody>${body.join('\n')}</tbody></table></div>`
  );
}

export function escaped(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;');
}
