/**
 * The layers point one way: a file imports from its own layer and from the layers before it, and each package has one
 * importer.
 */

import { readFileSync, readdirSync } from 'node:fs';
import { join, relative, sep } from 'node:path';
import test from 'ava';

const ROOT = join(import.meta.dirname, '..', '..');

const PROTOCOL = [
  'core',
  'message',
  'hash',
  'store',
  'transport',
  'journal',
  'verifier',
  'workload',
  'summer',
  'chunker',
];
const PROCESSES = ['component', 'moments', 'fleet', 'measure', 'results', 'report', 'worktree'];

/** What each layer of src may import, besides itself. */
const LAYERS: Readonly<Record<string, readonly string[]>> = {
  core: [],
  message: ['core'],
  hash: ['core'],
  workload: ['core'],
  measure: ['core'],
  results: ['core', 'measure'],
  report: ['core', 'measure', 'results'],
  store: ['core', 'hash'],
  transport: ['core', 'hash'],
  journal: ['core', 'message', 'hash', 'store', 'transport'],
  verifier: ['core', 'message', 'workload', 'journal'],
  summer: ['core', 'message', 'hash', 'store', 'journal'],
  chunker: ['core', 'message', 'hash', 'store', 'journal', 'workload', 'verifier'],
  component: ['core'],
  moments: ['core', 'component', 'hash', 'store', 'journal'],
  fleet: ['core', 'component', 'measure'],
  worktree: ['core', 'results', 'fleet'],
  // The command line composes: only this layer reaches the harness, on demand.
  cli: [...PROTOCOL, ...PROCESSES, '../soak', '../bench'],
};

const ABOVE_SRC = [...PROTOCOL, ...PROCESSES].map((layer) => `../src/${layer}`);

/**
 * The allowed imports within soak. Everything that judges knows neither of the two worlds that write a history, and the
 * worlds do not know each other. A command hands each world the processes that it starts.
 */
const SOAK_ROOMS: Readonly<Record<string, readonly string[]>> = {
  guarantee: ABOVE_SRC,
  live: ['guarantee', ...ABOVE_SRC],
  simulation: ['guarantee', ...ABOVE_SRC],
  audit: ['guarantee', ...ABOVE_SRC],
  cluster: ABOVE_SRC,
  detect: ['guarantee', 'live', 'simulation', 'audit', ...ABOVE_SRC],
  explain: ['guarantee', 'live', 'simulation', 'detect', ...ABOVE_SRC],
  report: ['guarantee', 'explain', ...ABOVE_SRC],
};

/**
 * The allowed imports within bench. Files that compose the suites and the commands stand beside the rooms and may
 * import each.
 */
const BENCH_ROOMS: Readonly<Record<string, readonly string[]>> = {
  harness: ABOVE_SRC,
  workload: ABOVE_SRC,
  codec: ['harness', 'workload', ...ABOVE_SRC],
  hash: ['harness', ...ABOVE_SRC],
  state: ['harness', ...ABOVE_SRC],
  store: ['harness', ...ABOVE_SRC],
  transport: ['harness', ...ABOVE_SRC],
  pipeline: [
    'harness',
    'workload',
    'store',
    'transport',
    'distrust.ts',
    'possible.ts',
    'rows.ts',
    'text-table.ts',
    ...ABOVE_SRC,
  ],
  compare: ['distrust.ts', 'possible.ts', 'text-table.ts', ...ABOVE_SRC],
  report: ['possible.ts', 'rows.ts', 'tables.ts', ...ABOVE_SRC],
  against: ['compare', 'distrust.ts', 'options.ts', 'progress.ts', 'bench-files.ts', ...ABOVE_SRC],
  profile: ['program.ts', '../src/cli', ...ABOVE_SRC],
};

/** The allowed imports among the chunker's rooms. Files that compose them stand beside them and may import each. */
const CHUNKER_ROOMS: Readonly<Record<string, readonly string[]>> = {
  stream: [],
  rows: [],
  sums: [],
  life: ['stream', 'rows', 'sums'],
};

/** The layers that may import each package. */
const OWNERS: Readonly<Record<string, readonly string[]>> = {
  lmdb: ['store'],
  zeromq: ['transport'],
  '@grpc/grpc-js': ['journal'],
  '@grpc/proto-loader': ['journal'],
  '#addon': ['hash'],
  pino: ['component'],
  commander: ['component', 'cli'],
  'hdr-histogram-js': ['measure'],
  'csv-parse': ['results'],
  'csv-stringify': ['results'],
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

/** Imports below a top folder that its layers do not allow, one line each. */
function wrongArrows(top: string, allowed: Readonly<Record<string, readonly string[]>>): string[] {
  return importsBelow(top)
    .filter(({ specifier }) => specifier.startsWith('.'))
    .flatMap((found) => {
      const [targetTop = '', targetLayer = ''] = targetOf(found).split(sep);
      const layer = targetTop === top ? targetLayer : `../${targetTop}`;
      if (layer === found.layer) return [];
      const arrows = allowed[found.layer] ?? [];
      if (arrows.includes(layer) || arrows.includes(`${layer}/${targetLayer}`)) return [];
      return [`${found.file} imports ${found.specifier}`];
    });
}

/** One circle through each file that closes a circle, first to last and back: `a > b > a`. */
function circlesOf(graph: ReadonlyMap<string, readonly string[]>): string[] {
  const circles: string[] = [];
  const finished = new Set<string>();
  const path: string[] = [];
  const visit = (file: string): void => {
    if (finished.has(file)) return;
    const at = path.indexOf(file);
    if (at >= 0) {
      circles.push([...path.slice(at), file].join(' > '));
      return;
    }
    path.push(file);
    for (const next of graph.get(file) ?? []) visit(next);
    path.pop();
    finished.add(file);
  };
  for (const file of graph.keys()) visit(file);
  return circles;
}

const sources = importsBelow('src');

test('the scan sees the imports of every layer and room', (t) => {
  for (const [top, allowed] of [
    ['src', LAYERS],
    ['soak', SOAK_ROOMS],
    ['bench', BENCH_ROOMS],
  ] as const) {
    const seen = new Set(importsBelow(top).flatMap(({ layer }) => (layer.endsWith('.ts') ? [] : [layer])));
    for (const layer of Object.keys(allowed).filter((name) => name !== 'core')) t.true(seen.has(layer), layer);
    for (const layer of seen) t.true(layer in allowed, `${top}/${layer} has no arrows`);
  }
});

test('every import in src points to its own layer or to one that its layer may know', (t) => {
  t.deepEqual(wrongArrows('src', LAYERS), []);
});

test('every import in soak points to its own room, to one that its room may know, or to src', (t) => {
  t.deepEqual(wrongArrows('soak', SOAK_ROOMS), []);
});

test('every import of a room of bench points to itself, to a room that it may know, or to src', (t) => {
  const wrong = wrongArrows('bench', BENCH_ROOMS);
  t.deepEqual(
    wrong.filter((line) => !/^bench\/[^/]+ /.test(line.replaceAll(sep, '/'))),
    [],
  );
});

test('no file imports itself by way of others', (t) => {
  const graph = new Map<string, string[]>();
  for (const found of ['src', 'bench', 'soak'].flatMap(importsBelow)) {
    if (!found.specifier.startsWith('.')) continue;
    graph.set(found.file, [...(graph.get(found.file) ?? []), targetOf(found)]);
  }
  t.deepEqual(circlesOf(graph), []);
  // The function finds a circle that is there.
  graph.set('a.ts', ['b.ts', 'c.ts']).set('b.ts', []).set('c.ts', ['d.ts']).set('d.ts', ['b.ts', 'a.ts']);
  t.deepEqual(circlesOf(graph), ['a.ts > c.ts > d.ts > a.ts']);
});

/** By module of a crate, the modules of the crate that it names. A folder belongs to the module of its name. */
function rustModules(crate: string): Map<string, string[]> {
  const folder = join(ROOT, crate, 'src');
  const graph = new Map<string, string[]>();
  for (const name of readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((each) =>
    each.endsWith('.rs'),
  )) {
    const module = (name.split(sep)[0] ?? '').replace(/\.rs$/, '');
    const source = readFileSync(join(folder, name), 'utf8');
    const named = [...source.matchAll(/\bcrate::(?<module>[a-z]\w*)/g)].map(({ groups }) => groups?.['module'] ?? '');
    graph.set(module, [...(graph.get(module) ?? []), ...named.filter((each) => each !== module)]);
  }
  return graph;
}

test('no module of a crate uses itself by way of others', (t) => {
  for (const [crate, module] of [
    ['native/sha256', 'window'],
    ['native/node', 'pool'],
  ] as const) {
    const graph = rustModules(crate);
    t.true((graph.get(module) ?? []).length > 0, crate);
    t.deepEqual(circlesOf(graph), [], crate);
  }
});

test('the stream of a chunker knows neither what is kept of it nor the life that it is part of', (t) => {
  for (const [room, allowed] of Object.entries(CHUNKER_ROOMS)) {
    const found = importsBelow(`src/chunker/${room}`).filter(({ specifier }) => specifier.startsWith('.'));
    t.true(found.length > 0, room);
    for (const entry of found) {
      const [, layer, target = ''] = targetOf(entry).split(sep);
      const isAllowed = layer !== 'chunker' || target === room || allowed.includes(target);
      t.true(isAllowed, `${entry.file} imports ${entry.specifier}`);
    }
  }
});

test('lmdb, zeromq, the addon and other packages are imported by one layer each', (t) => {
  for (const { file, layer, specifier } of sources) {
    const owner = Object.entries(OWNERS).find(([name]) => specifier === name || specifier.startsWith(`${name}/`))?.[1];
    if (owner !== undefined) t.true(owner.includes(layer), `${file} imports ${specifier}`);
  }
});

test('the verifier imports neither the summer nor the native hashing: it is the oracle', (t) => {
  const found = sources.filter(({ layer }) => layer === 'verifier' || layer === 'workload');
  t.true(found.length > 0);
  for (const entry of found.filter(({ specifier }) => specifier.startsWith('.'))) {
    t.notRegex(targetOf(entry), /^src[/\\](?:hash|summer)/, `${entry.file} imports ${entry.specifier}`);
  }
});

test('bench uses src and never soak', (t) => {
  for (const entry of importsBelow('bench').filter(({ specifier }) => specifier.startsWith('.'))) {
    t.not(targetOf(entry).split(sep)[0], 'soak', `${entry.file} imports ${entry.specifier}`);
  }
});
