/** What is put into a page so that it needs nothing else: the chart library, what draws, and the data. */

import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';

/** The scripts of a page. `clients`: compiled modules beside this one, in the order in which they need each other. */
export function pageScripts(data: object, clients: readonly string[]): string[] {
  return [
    `<script>${inScript(chartLibrary())}</script>`,
    `<script type="application/json" id="data">${JSON.stringify(data).replaceAll('<', '\\u003c')}</script>`,
    `<script type="module">${inScript(clients.map(clientSource).join('\n'))}</script>`,
  ];
}

/** The data of a page, as `pageScripts` was given them. */
export function pageData(page: string): unknown {
  const text = /<script type="application\/json" id="data">(?<json>.*?)<\/script>/s.exec(page)?.groups?.['json'];
  return JSON.parse(text ?? 'null') as unknown;
}

/** Nothing in it ends the script early, or begins a comment. */
function inScript(text: string): string {
  return text.replaceAll('</script', '<\\/script').replaceAll('<!--', '<\\!--');
}

function chartLibrary(): string {
  return readFileSync(createRequire(import.meta.url).resolve('echarts/dist/echarts.min.js'), 'utf8');
}

/** A compiled module as it runs in a page, where all of them are one: with no import, no export and no map. */
function clientSource(name: string): string {
  const source = readFileSync(new URL(`./${name}.js`, import.meta.url), 'utf8');
  return source
    .replaceAll(/^import [^;]*;$/gm, '')
    .replaceAll(/^export /gm, '')
    .replaceAll(/^\/\/# sourceMappingURL=.*$/gm, '');
}
