/**
 * The documents name existing things: every file, every function of a file, every title of a test, every id of a rule,
 * and every npm script. Their lines and paragraphs are short enough for a tired reader.
 */

import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { join, relative, sep } from 'node:path';
import test from 'ava';
import { VIOLATION_KINDS } from './core/errors.ts';

const ROOT = join(import.meta.dirname, '..', '..');
const WORDS_MAX = 90;
const COLUMNS_MAX = 120;
const README_LINES_MAX = 200;
/** Folders that a build or a run makes, or that others wrote. */
const NOT_OURS = new Set(['node_modules', 'target', 'dist', '.git']);

/** Paths of all files and folders, with `/` between their parts, from the root of the project. */
function pathsBelow(folder: string): string[] {
  return readdirSync(join(ROOT, folder), { withFileTypes: true })
    .filter(({ name }) => !NOT_OURS.has(name))
    .flatMap((entry) => {
      const path = folder === '' ? entry.name : `${folder}/${entry.name}`;
      return entry.isDirectory() ? [path, ...pathsBelow(path)] : [path];
    });
}

const PATHS = pathsBelow('');
const read = (path: string): string => readFileSync(join(ROOT, path), 'utf8');

/** All documents of this project, except those beside recorded runs. */
const DOCUMENTS = PATHS.filter((path) => path.endsWith('.md') && !path.startsWith('results/'));
DOCUMENTS.push('results/README.md');

type Named = { readonly document: string; readonly line: number; readonly name: string };

function matches(documents: readonly string[], pattern: RegExp): Named[] {
  return documents.flatMap((document) =>
    read(document)
      .split('\n')
      .flatMap((text, index) =>
        [...text.matchAll(pattern)].map((match) => ({ document, line: index + 1, name: match[1] ?? '' })),
      ),
  );
}

/** A source file, or a folder or file below one of the top folders. A star stands for any name. */
const FILE = /(?<![\w/.*-])((?:[\w.*-]+\/)*[\w*-][\w.*-]*\.(?:ts|js|rs|go|md|sh)(?![\w-]))/g;
const FOLDER = /`((?:src|soak|bench|native|docs|test|scripts)\/[\w./*-]*)`/g;

/**
 * Looked up from the root, from the folder of the document, and as the last parts of a path:
 * `checkers/removal.test.ts`.
 */
function exists(name: string, document: string): boolean {
  const clean = name.replace(/\/$/, '');
  const beside = relative(ROOT, join(ROOT, document, '..', clean))
    .split(sep)
    .join('/');
  if (!clean.includes('*')) {
    return PATHS.some((path) => path === clean || path === beside || path.endsWith(`/${clean}`));
  }
  const pattern = new RegExp(`(?:^|/)${clean.replaceAll('.', '\\.').replaceAll('*', '[^/]*')}$`);
  return PATHS.some((path) => pattern.test(path));
}

/** Names of other projects' files. `x.` stands for any name of ours. */
const FOREIGN = new Set(['zeromq.js', 'Node.js', 'write.js', 'addon.js']);

function missingPaths(documents: readonly string[]): string[] {
  return [...matches(documents, FILE), ...matches(documents, FOLDER)]
    .filter(({ name }) => !FOREIGN.has(name) && !name.startsWith('dist/') && !name.startsWith('x.'))
    .filter(({ name, document }) => !exists(name, document))
    .map(({ document, line, name }) => `${document}:${line} names ${name}`);
}

test('every path that a document names exists', (t) => {
  t.true(matches(DOCUMENTS, FILE).length > 300);
  t.deepEqual(missingPaths(DOCUMENTS), []);
});

test('a path that does not exist is found, whole or in its last parts', (t) => {
  t.true(exists('src/journal/client.ts', 'ARCHITECTURE.md'));
  t.true(exists('journal/client.ts', 'ARCHITECTURE.md'));
  t.true(exists('src/message/*.test.ts', 'ARCHITECTURE.md'));
  t.true(exists('../soak/EVIDENCE.md', 'docs/findings.md'));
  t.false(exists('src/journal/klient.ts', 'ARCHITECTURE.md'));
  t.false(exists('ient.ts', 'ARCHITECTURE.md'));
  t.false(exists('src/message/*.spec.ts', 'ARCHITECTURE.md'));
  t.false(exists('../soak/EVIDENCE.md', 'ARCHITECTURE.md'));
});

test('every link leads to a file, and to a heading of it', (t) => {
  const links = matches(DOCUMENTS, /\]\((?!https?:)([^)\s]+)\)/g);
  t.true(links.length > 40);
  for (const { document, line, name } of links) {
    const [target = '', heading] = name.split('#');
    const path = target === '' ? join(ROOT, document) : join(ROOT, document, '..', target);
    t.true(existsSync(path), `${document}:${line} links to ${name}`);
    if (heading === undefined) continue;
    const headings = [...readFileSync(path, 'utf8').matchAll(/^#+ (.*)$/gm)].map(([, text = '']) => anchorOf(text));
    t.true(headings.includes(heading), `${document}:${line} links to ${name}`);
  }
});

/** The anchor of a heading, as GitHub makes it. */
function anchorOf(heading: string): string {
  return heading
    .toLowerCase()
    .replaceAll(/[^\w -]/g, '')
    .replaceAll(' ', '-');
}

/** A path with names behind it: `src/x.ts` `first`, `second`. */
const NAMES = /`([\w./-]+\.(?:ts|rs))`((?:,?\s+`[#\w]+`)+)/g;

test('every name that a document gives behind a file stands in that file', (t) => {
  let count = 0;
  for (const document of DOCUMENTS) {
    for (const [, path = '', names = ''] of read(document).matchAll(NAMES)) {
      const file = PATHS.find((candidate) => candidate === path || candidate.endsWith(`/${path}`));
      if (file === undefined) continue;
      const source = read(file);
      for (const [, name = ''] of names.matchAll(/`([#\w]+)`/g)) {
        count += 1;
        t.true(new RegExp(`(?<!\\w)${name}\\b`).test(source), `${document}: ${file} has no ${name}`);
      }
    }
  }
  t.true(count > 60, `${count} names`);
});

/** A file with a title, or a part of one, behind it: `x.test.ts` *title*, *another*. */
const TITLES = /`?([\w./-]+\.(?:test\.)?ts)`?:?((?:,?\s+\*[^*]+\*)+)/g;

test('every title that a document gives behind a test stands in that test', (t) => {
  let count = 0;
  for (const document of DOCUMENTS) {
    for (const [, path = '', titles = ''] of read(document).matchAll(TITLES)) {
      const files = PATHS.filter((candidate) => candidate === path || candidate.endsWith(`/${path}`));
      for (const [, title = ''] of titles.matchAll(/\*([^*]+)\*/g)) {
        count += 1;
        const words = title.replaceAll(/\s+/g, ' ');
        t.true(
          files.some((file) => read(file).includes(words)),
          `${document}: ${path} has no ${words}`,
        );
      }
    }
  }
  t.true(count > 40, `${count} titles`);
});

const ID = /\b([PDFN]-[A-Z]+-\d+)\b/g;

test('every id of a rule, a decision, a finding or a note is given once, and each one that is cited is given', (t) => {
  const headings = matches(DOCUMENTS, /^##+ ([PDFN]-[A-Z]+-\d+)\b/g).map(({ name }) => name);
  t.true(headings.length > 100, `${headings.length} ids`);
  t.deepEqual(
    headings.filter((id, index) => headings.indexOf(id) !== index),
    [],
  );
  const sources = PATHS.filter((path) => /\.(?:ts|rs)$/.test(path));
  const cited = matches([...DOCUMENTS, ...sources], ID);
  t.deepEqual(
    cited
      .filter(({ name }) => !headings.includes(name))
      .map(({ document, line, name }) => `${document}:${line} ${name}`),
    [],
  );
});

test('the table of the findings has each of them once, in their order', (t) => {
  const document = ['docs/findings.md'];
  const findings = matches(document, /^### (F-[A-Z]+-\d+)/g).map(({ name }) => name);
  const rows = matches(document, /^\| \[(F-[A-Z]+-\d+)\]/g).map(({ name }) => name);
  t.true(findings.length > 30);
  t.deepEqual(rows, findings);
});

test('every rule of the protocol is cited by the code that keeps it', (t) => {
  const rules = matches(['docs/protocol.md'], /^### (P-[A-Z]+-\d+)/g).map(({ name }) => name);
  const sources = PATHS.filter((path) => /^src\/.*(?<!\.test)\.ts$/.test(path));
  const cited = new Set(matches(sources, ID).map(({ name }) => name));
  t.deepEqual(
    rules.filter((rule) => !cited.has(rule)),
    [],
  );
});

/** Columns of a table: in one text with commas between them, or in one text each. */
function columnsIn(path: string): string[] {
  return [...read(path).matchAll(/COLUMNS[^=\n]*= \[?(?<list>[^;]*);/g)].flatMap((match) =>
    [...(match.groups?.['list'] ?? '').matchAll(/'([a-z][\w,]*)'/g)].flatMap(([, names = '']) => names.split(',')),
  );
}

test('every column of a results file is described', (t) => {
  const described = new Set(read('results/README.md').match(/\w+/g));
  for (const path of [
    'soak/live/soak-files.ts',
    'soak/detect/detection.ts',
    'src/results/samples.ts',
    'src/results/latency-row.ts',
  ]) {
    const columns = columnsIn(path);
    t.true(columns.length > 7, path);
    for (const column of columns)
      t.true(described.has(column), `${path} writes ${column}, which results/README.md lacks`);
  }
});

test('every kind of violation has a place to look at first', (t) => {
  const described = read('docs/debugging.md');
  for (const kind of VIOLATION_KINDS)
    t.true(described.includes(`\`${kind}\``), `the table of docs/debugging.md lacks ${kind}`);
});

test('the README is below 200 lines, and names every kind of violation', (t) => {
  const readme = read('README.md');
  t.true(readme.split('\n').length <= README_LINES_MAX);
  for (const kind of VIOLATION_KINDS) t.true(readme.includes(`\`${kind}\``), `README.md lacks ${kind}`);
});

test('the package has every document that the README links to', (t) => {
  const { files } = JSON.parse(read('package.json')) as { readonly files: readonly string[] };
  const isPacked = (path: string): boolean =>
    files.some((pattern) => path === pattern || path.startsWith(`${pattern}/`) || isLike(path, pattern));
  const links = matches(['README.md'], /\]\((?!https?:)([^)#\s]+)/g).filter(({ name }) => /\.(?:md|svg)$/.test(name));
  t.true(links.length > 10);
  for (const { name } of links) t.true(isPacked(name), `package.json files: ${name}`);
  t.false(isPacked('results/baseline/other.md'));
});

/** Whether a path fits a pattern in which a star stands for a name. */
function isLike(path: string, pattern: string): boolean {
  return new RegExp(`^${pattern.replaceAll('.', '\\.').replaceAll('*', '[^/]*')}$`).test(path);
}

test('every npm script that a document names is one', (t) => {
  const { scripts } = JSON.parse(read('package.json')) as { readonly scripts: Record<string, string> };
  const named = matches(DOCUMENTS, /npm run (?:--\w+ )*([\w:-]+)/g);
  t.true(named.length > 10);
  for (const { document, line, name } of named) t.true(name in scripts, `${document}:${line} names npm run ${name}`);
});

/** Paragraphs of text, without tables, code and headings. An item of a list is a paragraph. */
function paragraphs(text: string): string[] {
  return text
    .replaceAll(/^```[\s\S]*?^```/gm, '')
    .split(/\n\s*\n|\n(?=\s*(?:[-*]|\d+\.) )/)
    .filter((part) => !/^(?:\||#| {4})/.test(part));
}

test('no line of a document is too wide, and no paragraph too long', (t) => {
  for (const document of DOCUMENTS) {
    const text = read(document);
    for (const [index, line] of text.split('\n').entries()) {
      t.true(line.length <= COLUMNS_MAX, `${document}:${index + 1} has ${line.length} columns`);
    }
    for (const paragraph of paragraphs(text)) {
      const words = paragraph.split(/\s+/).filter((word) => word !== '').length;
      t.true(words <= WORDS_MAX, `${document}: ${words} words: ${paragraph.slice(0, 60)}`);
    }
  }
});
