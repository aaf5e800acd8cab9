/**
 * `npm run dev [-- WORD...]`: compiles whenever a source is saved, and runs the tests that the change concerns: a
 * changed test file, and test files that import a changed file directly. With words: the test files whose path contains
 * one of them, at the start and after each change.
 */

import { spawn } from 'node:child_process';
import { existsSync, readFileSync, readdirSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { ROOT, TSC, finishBuild } from './build-ts.js';

const AVA = join(ROOT, 'node_modules/ava/entrypoints/cli.mjs');
const FOLDERS = ['src', 'soak', 'bench', 'test'];
/** What the compiler prints after each pass, with its number of errors. */
const COMPILED = /Found (\d+) errors?\. Watching for file changes\./;

/** The TypeScript sources with the time of their last change. */
export function sources(root) {
  return new Map(
    FOLDERS.filter((folder) => existsSync(join(root, folder)))
      .flatMap((folder) =>
        readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' }).map((name) => join(folder, name)),
      )
      .filter((path) => path.endsWith('.ts'))
      .map((path) => [path, statSync(join(root, path)).mtimeMs]),
  );
}

/** The test files among `paths` that are, or directly import, one of `changed`. */
export function concerned(root, paths, changed) {
  return paths.filter((path) => {
    if (!path.endsWith('.test.ts')) return false;
    if (changed.has(path)) return true;
    const specifiers = readFileSync(join(root, path), 'utf8').matchAll(/(?:from|import\()\s*'(\.[^']+)'/g);
    return [...specifiers].some(([, specifier]) => changed.has(join(dirname(path), specifier)));
  });
}

/** Runs one set of test files at a time. Files that change meanwhile are run afterwards. */
class Runner {
  #waiting = new Set();
  #isRunning = false;

  add(files) {
    for (const file of files) this.#waiting.add(file);
    if (!this.#isRunning && this.#waiting.size > 0) this.#run();
  }

  #run() {
    const files = [...this.#waiting];
    this.#waiting.clear();
    this.#isRunning = true;
    const compiled = files.map((file) => join('dist', file.replace(/\.ts$/, '.js')));
    console.log(`\n# ${files.join(' ')}`);
    spawn(process.execPath, [AVA, ...compiled], { cwd: ROOT, stdio: 'inherit' }).on('close', () => {
      this.#isRunning = false;
      this.add([]);
    });
  }
}

function watch(words) {
  const runner = new Runner();
  let known = null;
  const onCompiled = () => {
    finishBuild();
    const now = sources(ROOT);
    const changed = new Set([...now].filter(([path, time]) => known?.get(path) !== time).map(([path]) => path));
    const isFirst = known === null;
    known = now;
    const tests = [...now.keys()].filter((path) => path.endsWith('.test.ts'));
    const named = tests.filter((path) => words.some((word) => path.includes(word)));
    if (words.length > 0) runner.add(named);
    else if (isFirst) console.log('Save a file to run the tests that it concerns.');
    else runner.add(concerned(ROOT, tests, changed));
  };
  const compiler = spawn(process.execPath, [...TSC, '--watch', '--preserveWatchOutput'], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let line = '';
  compiler.stdout.setEncoding('utf8').on('data', (text) => {
    process.stdout.write(text);
    const lines = (line + text).split('\n');
    line = lines.pop() ?? '';
    for (const each of lines) if (COMPILED.exec(each)?.[1] === '0') onCompiled();
  });
  compiler.on('close', (code) => {
    process.exitCode = code ?? 1;
  });
}

if (process.argv[1] === fileURLToPath(import.meta.url)) watch(process.argv.slice(2));
