/**
 * What the pages of this program share. Each page is one self-contained file, light or dark as the reader's system is.
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
`;

/** `body` is already HTML; `style` follows the style of all pages. */
export function htmlPage({ title, style, body }: { title: string; style: string; body: readonly string[] }): string {
  return [
    '<!doctype html>',
    '<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">',
    `<title>${escaped(title)}</title><style>${STYLE}${style}</style></head><body>`,
    ...body,
    '</body></html>\n',
  ].join('\n');
}

export function escaped(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;');
}
