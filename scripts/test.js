/**
 * `npm test [-- WORD...]` and `npm run test:deep [-- WORD...]`: builds, runs tests and ends with a line that counts
 * them.
 *
 * Without a word it runs all tests of both languages. With words it runs the files whose path contains one of them, and
 * builds only what these need. A test file named `*.deep.test.ts` is statistical or long: `test:deep` runs it, and `npm
 * test` does not.
 */

import { spawn } from 'node:child_process';
import { existsSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { ROOT } from './build-ts.js';
import { avaFailures, cargoFailures, countAva, countCargo, countedSuite } from './counts.js';

/** So many lines of what a suite says of its failed tests are repeated at the end. */
const MOST_REPEATED = 120;
const AVA = [join(ROOT, 'node_modules/ava/entrypoints/cli.mjs')];
const IS_DEEP = /\.deep\.test\.js$/;
/** These test the backend of the addon: without words they run once on each backend, see `backendSuites`. */
const IS_OF_BACKENDS = /\.backends(?:\.deep)?\.test\.js$/;

/** Files below a folder of the project, as paths from its root with `/`. */
function filesBelow(folder, isWanted) {
  if (!existsSync(join(ROOT, folder))) return [];
  return readdirSync(join(ROOT, folder), { recursive: true, encoding: 'utf8' })
    .map((name) => join(folder, name).replaceAll('\\', '/'))
    .filter((path) => isWanted.test(path))
    .toSorted();
}

/** Runs a command, shows what it prints, and resolves to its exit code and output. */
function run(command, args, environment = {}) {
  return new Promise((resolve) => {
    const child = spawn(command, args, {
      cwd: ROOT,
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...process.env, ...environment },
    });
    const said = { stdout: '', stderr: '' };
    for (const from of ['stdout', 'stderr']) {
      child[from].setEncoding('utf8').on('data', (text) => {
        said[from] += text;
        process[from].write(text);
      });
    }
    child.on('error', (error) => resolve({ code: 1, ...said, stderr: `${said.stderr}${error}\n` }));
    child.on('close', (code) => resolve({ code: code ?? 1, ...said }));
  });
}

async function runAva(files, environment) {
  const { code, stdout } = await run(process.execPath, [...AVA, ...files], environment);
  return { ...countedSuite(countAva(stdout), code), failures: avaFailures(stdout) };
}

async function runCargo(targets) {
  const { code, stdout, stderr } = await run('cargo', [
    'test',
    '--workspace',
    '--locked',
    '--no-fail-fast',
    ...targets,
  ]);
  return { ...countedSuite(countCargo(stdout + stderr), code), failures: cargoFailures(stdout + stderr) };
}

function timeOf(path) {
  return statSync(join(ROOT, path)).mtimeMs;
}

/**
 * Whether the addon must be built: when a source of it is newer, and always without words, because cargo then decides.
 */
function needsAddon(words) {
  if (words.length === 0) return true;
  const [built] = filesBelow('dist/native', /\.node$/);
  const sources = [...filesBelow('native', /^(?!native\/fuzz).*\.(?:rs|toml)$/), 'Cargo.toml', 'Cargo.lock'];
  return built === undefined || sources.some((path) => timeOf(path) > timeOf(built));
}

/** What cargo runs for words: integration tests by their files, and the tests within a crate by any file of it. */
function cargoTargets(words) {
  const matching = filesBelow('native', /^native\/(?!fuzz).*\.rs$/).filter((path) =>
    words.some((word) => path.includes(word)),
  );
  const names = matching.map((path) => /\/tests\/([^/]+)\.rs$/.exec(path)?.[1]).filter((name) => name !== undefined);
  const isLibrary = matching.some((path) => path.includes('/src/'));
  return [...(isLibrary ? ['--lib'] : []), ...names.flatMap((name) => ['--test', name])];
}

/** The compiled test files of this tier that the words name. */
function testFiles({ isDeep, words }) {
  return [...filesBelow('dist', /\.test\.js$/), ...filesBelow('scripts', /\.test\.js$/)].filter((file) => {
    const path = file.replace(/^dist\//, '').replace(/\.js$/, '.ts');
    return IS_DEEP.test(file) === isDeep && (words.length === 0 || words.some((word) => path.includes(word)));
  });
}

/**
 * What is hashed is tested on the first and the last backend of this processor, and in the deep tier on those between.
 * Deep tests run on all of them.
 */
async function backendSuites(isDeep) {
  const { availableBackends } = await import('../dist/src/hash/backend.js');
  const [files, deepFiles] = [false, true].map((ofDeep) =>
    testFiles({ isDeep: ofDeep, words: [] }).filter((file) => IS_OF_BACKENDS.test(file)),
  );
  return availableBackends().flatMap((backend, index, all) => {
    const isEnd = index === 0 || index === all.length - 1;
    const wanted = isDeep ? [...(isEnd ? [] : files), ...deepFiles] : isEnd ? files : [];
    const environment = { STREAM_SUM_SHA256_BACKEND: backend };
    return wanted.length === 0 ? [] : [{ name: `hashing on ${backend}`, run: () => runAva(wanted, environment) }];
  });
}

/** The suites of a run, in order, each with its command. With words each test runs once. */
async function suitesOf({ isDeep, words }) {
  const files = testFiles({ isDeep, words });
  const isAll = words.length === 0;
  const suites = [];
  // Usually with debug checks; in the deep tier as it is shipped.
  const targets = isAll ? (isDeep ? ['--release'] : []) : cargoTargets(words);
  if (isAll || (targets.length > 0 && !isDeep)) suites.push({ name: 'cargo test', run: () => runCargo(targets) });
  const others = files.filter((file) => !isAll || !IS_OF_BACKENDS.test(file));
  if (others.length > 0) suites.push({ name: 'ava', run: () => runAva(others) });
  if (isAll) suites.push(...(await backendSuites(isDeep)));
  return suites;
}

const isDeep = process.argv[2] === '--deep';
const words = process.argv.slice(isDeep ? 3 : 2);
let passed = 0;
let failed = 0;
/** What the suites said of the tests that failed. It may stand thousands of lines above the end. */
const failures = [];
const build = await run('npm', ['run', '--silent', needsAddon(words) ? 'build' : 'build:ts']);
if (build.code !== 0) failed = 1;
else {
  const suites = await suitesOf({ isDeep, words });
  if (suites.length === 0) console.log(`no test file has ${words.join(' or ')} in its path`);
  for (const suite of suites) {
    console.log(`\n# ${suite.name}`);
    const counted = await suite.run();
    passed += counted.passed;
    failed += counted.failed;
    if (counted.failed > 0 && suites.length > 1) failures.push({ suite: suite.name, lines: counted.failures });
  }
  if (suites.length === 0) failed = 1;
}
for (const { suite, lines } of failures) {
  console.log([`\n# failed in ${suite}`, ...lines.slice(0, MOST_REPEATED)].join('\n'));
  if (lines.length > MOST_REPEATED) console.log(`... and ${lines.length - MOST_REPEATED} lines more, above`);
}
console.log(`${passed} passed, ${failed} failed`);
process.exitCode = failed === 0 ? 0 : 1;
