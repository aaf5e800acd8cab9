/** The parts that make a page self-contained: the chart library, the drawing code, and the data. */

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

/** The data that `pageScripts` has put into a page. */
export function pageData(page: string): unknown {
  const text = /<script type="application\/json" id="data">(?<json>.*?)<\/script>/s.exec(page)?.groups?.['json'];
  return JSON.parse(text ?? 'null') as unknown;
}

/** Changes the text so that it neither ends the script early nor begins a comment. */
function inScript(text: string): string {
  return text.replaceAll('</script', '<\\/script').replaceAll('<!--', '<\\!--');
}

function chartLibrary(): string {
  return readFileSync(createRequire(import.meta.url).resolve('echarts/dist/echarts.min.js'), 'utf8');
}

/** A compiled module as it runs in a page, where all modules are one: without imports, exports and source map. */
function clientSource(name: string): string {
  const source = readFileSync(new URL(`./${name}.js`, import.meta.url), 'utf8');
  return source
    .replaceAll(/^import [^;]*;$/gm, '')
    .replaceAll(/^export /gm, '')
    .replaceAll(/^\/\/# sourceMappingURL=.*$/gm, '');
}
