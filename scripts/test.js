/**
 * `npm test`: builds, then runs all tests of both languages and ends with one line that counts them.
 *
 * Tests that start whole pipelines come last and one at a time, so that they do not compete for two cores.
 */

import { spawn } from 'node:child_process';

const HASHING = 'dist/src/hash/*.test.js';
const PIPELINE = 'dist/test/pipeline/**/*.test.js';

const suites = [
  { name: 'cargo test', command: 'cargo', args: ['test', '--workspace', '--locked', '--release'], count: countCargo },
  { name: 'ava', command: 'npx', args: ['ava', 'dist/**/*.test.js', '!' + PIPELINE, '!' + HASHING], count: countAva },
  {
    name: 'ava, pipelines',
    command: 'npx',
    args: ['ava', '--serial', '--concurrency', '1', PIPELINE],
    count: countAva,
  },
];

/** Runs a command, shows what it prints, and resolves to its exit code and output. */
function run(command, args, environment = {}) {
  return new Promise((resolve) => {
    const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'pipe'], env: { ...process.env, ...environment } });
    let output = '';
    for (const [from, to] of [
      [child.stdout, process.stdout],
      [child.stderr, process.stderr],
    ]) {
      from.on('data', (bytes) => {
        output += bytes;
        to.write(bytes);
      });
    }
    child.on('error', (error) => resolve({ code: 1, output: String(error) }));
    child.on('close', (code) => resolve({ code: code ?? 1, output }));
  });
}

function sum(output, pattern) {
  return [...output.matchAll(pattern)].reduce((total, match) => total + Number(match[1]), 0);
}

/** `test result: ok. 12 passed; 0 failed; ...`, one for each crate. */
function countCargo(output) {
  return { passed: sum(output, /(\d+) passed;/g), failed: sum(output, /passed; (\d+) failed;/g) };
}

/**
 * `12 tests passed`, `1 test failed`, `1 uncaught exception`, ... Where something failed AVA does not say how many passed:
 * then the lines of those that did are counted.
 */
function countAva(output) {
  return {
    passed: sum(output, /^ {2}(\d+) tests? passed/gm) || [...output.matchAll(/^ {2}[✔√] /gm)].length,
    failed: sum(output, /^ {2}(\d+) (?:tests? failed|uncaught exceptions?|unhandled rejections?)/gm),
  };
}

/** The native suite once for every backend that this processor can run. */
async function backendSuites() {
  const { availableBackends } = await import('../dist/src/hash/backend.js');
  return availableBackends().map((backend) => ({
    name: `hashing on ${backend}`,
    command: 'npx',
    args: ['ava', HASHING],
    environment: { STREAM_SUM_SHA256_BACKEND: backend },
    count: countAva,
  }));
}

const only = process.argv[2];
const build = await run('npm', ['run', '--silent', 'build']);
let passed = 0;
let failed = build.code === 0 ? 0 : 1;
if (build.code === 0) {
  for (const { name, command, args, environment, count } of [...suites, ...(await backendSuites())]) {
    if (only !== undefined && !name.includes(only)) continue;
    console.log(`\n# ${name}`);
    const { code, output } = await run(command, args, environment);
    const counted = count(output);
    passed += counted.passed;
    // A runner that fails without naming a test, or finds none, has failed all the same.
    failed += counted.failed + (counted.failed === 0 && (code !== 0 || counted.passed === 0) ? 1 : 0);
  }
}
console.log(`${passed} passed, ${failed} failed`);
process.exitCode = failed === 0 ? 0 : 1;
