/** The layers point one way: a file imports from its own layer and from those before it, and each package has one importer. */

import { readFileSync, readdirSync } from 'node:fs';
import { join, relative, sep } from 'node:path';
import test from 'ava';

const ROOT = join(import.meta.dirname, '..', '..');

/** What each layer may import, besides itself. */
const ALLOWED: Readonly<Record<string, readonly string[]>> = {
  core: [],
  message: ['core'],
  hash: ['core'],
  workload: ['core'],
  measure: ['core'],
  store: ['core', 'hash'],
  transport: ['core', 'hash'],
  journal: ['core', 'message', 'hash', 'store', 'transport'],
  verifier: ['core', 'message', 'workload', 'journal'],
  summer: ['core', 'message', 'hash', 'store', 'journal'],
  chunker: ['core', 'message', 'hash', 'store', 'journal', 'workload', 'verifier'],
  process: ['core', 'measure'],
  cli: [
    'core',
    'message',
    'hash',
    'workload',
    'measure',
    'store',
    'transport',
    'journal',
    'verifier',
    'summer',
    'chunker',
    'process',
  ],
};

/** Packages that only one layer may import. */
const OWNERS: Readonly<Record<string, string>> = {
  lmdb: 'store',
  zeromq: 'transport',
  '#addon': 'hash',
  pino: 'cli',
  commander: 'cli',
  'hdr-histogram-js': 'measure',
};

type Import = { readonly file: string; readonly layer: string; readonly specifier: string };

function importsBelow(folder: string): Import[] {
  return readdirSync(join(ROOT, folder), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.ts') && !name.endsWith('.test.ts') && !name.split(sep).includes('testing'))
    .flatMap((name) => {
      const file = join(folder, name);
      const source = readFileSync(join(ROOT, file), 'utf8');
      const specifiers = [...source.matchAll(/(?:from|import\()\s*'(?<specifier>[^']+)'/g)];
      const layer = name.split(sep)[0] ?? '';
      return specifiers.map((match) => ({ file, layer, specifier: match.groups?.['specifier'] ?? '' }));
    });
}

function targetOf({ file, specifier }: Import): string {
  return relative(ROOT, join(ROOT, file, '..', specifier));
}

const sources = importsBelow('src');

test('the scan sees the imports of every layer', (t) => {
  const seen = new Set(sources.map(({ layer }) => layer));
  for (const layer of Object.keys(ALLOWED).filter((name) => name !== 'core')) t.true(seen.has(layer), layer);
});

test('every import in src points to its own layer or to one that its layer may know', (t) => {
  for (const found of sources.filter(({ specifier }) => specifier.startsWith('.'))) {
    const [top, target] = targetOf(found).split(sep);
    // The command line composes: it alone reaches the harness, on demand.
    if (top === 'soak' || top === 'bench') t.is(found.layer, 'cli', `${found.file} imports ${found.specifier}`);
    else if (target !== found.layer)
      t.true(ALLOWED[found.layer]?.includes(target ?? '') === true, `${found.file} imports ${found.specifier}`);
  }
});

test('lmdb, zeromq, the addon and other packages are imported by one layer each', (t) => {
  for (const { file, layer, specifier } of sources) {
    const owner = Object.entries(OWNERS).find(([name]) => specifier === name || specifier.startsWith(`${name}/`))?.[1];
    if (owner !== undefined) t.is(layer, owner, `${file} imports ${specifier}`);
  }
});

test('the verifier imports neither the summer nor the native hashing: it is the oracle', (t) => {
  const found = sources.filter(({ layer }) => layer === 'verifier' || layer === 'workload');
  t.true(found.length > 0);
  for (const entry of found.filter(({ specifier }) => specifier.startsWith('.'))) {
    t.notRegex(targetOf(entry), /^src[/\\](?:hash|summer)/, `${entry.file} imports ${entry.specifier}`);
  }
});

test('soak and bench use src and never each other', (t) => {
  for (const [folder, other] of [
    ['soak', 'bench'],
    ['bench', 'soak'],
  ] as const) {
    for (const entry of importsBelow(folder).filter(({ specifier }) => specifier.startsWith('.'))) {
      t.not(targetOf(entry).split(sep)[0], other, `${entry.file} imports ${entry.specifier}`);
    }
  }
});
