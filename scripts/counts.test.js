/**
 * The last line of `npm test` counts correctly, whatever became of the tests. The inputs are recorded outputs of AVA
 * 7.0.0 and cargo, in which files pass, fail, crash and hang. `recorded/NAME.txt` is the stdout of `npx ava
 * NAME.test.js`, without the paths of the machine.
 */

import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import test from 'ava';
import { avaFailures, cargoFailures, countAva, countCargo, countedSuite } from './counts.js';

function recorded(name) {
  return readFileSync(fileURLToPath(new URL(`recorded/${name}.txt`, import.meta.url)), 'utf8');
}

/** A file that dies counts once, because nobody knows how many tests it would have had. */
const RECORDED = {
  // A test prints lines that look like results, and logs one.
  passes: { passed: 2, failed: 0 },
  // Its failures quote such lines. One test is skipped and one is known to fail; neither has passed.
  fails: { passed: 1, failed: 2 },
  killed: { passed: 1, failed: 1 },
  uncaught: { passed: 1, failed: 1 },
  rejection: { passed: 2, failed: 1 },
  // The test that calls process.exit(), and the one after it.
  exits: { passed: 1, failed: 2 },
  // The test that never ends, and the one after it.
  hangs: { passed: 1, failed: 2 },
  // The test that exceeds its own time, and the file that does not exit.
  'test-timeout': { passed: 1, failed: 2 },
  // The hook, and the test that it should have prepared.
  'hook-fails': { passed: 0, failed: 2 },
  'missing-import': { passed: 0, failed: 1 },
  'no-tests': { passed: 0, failed: 1 },
  // All of these in one run, in which the file of `test-timeout` was ended together with those that hung.
  together: { passed: 10, failed: 14 },
};

for (const [name, counted] of Object.entries(RECORDED)) {
  test(`${name}: ${counted.passed} passed, ${counted.failed} failed`, (t) => {
    t.deepEqual(countAva(recorded(name)), counted);
    t.deepEqual(countAva(recorded(name).replaceAll('\n', '\r\n')), counted);
    t.is(countedSuite(counted, name === 'passes' ? 0 : 1).failed, counted.failed);
  });
}

test('colours change nothing', (t) => {
  const coloured = recorded('fails').replaceAll(/[✔✘]/g, (mark) => `\u001b[31m${mark}\u001b[39m`);
  t.deepEqual(countAva(coloured), RECORDED.fails);
});

test('a binary of cargo that is aborted counts as a failure, and the others are counted to their end', (t) => {
  t.deepEqual(countCargo(recorded('cargo')), { passed: 2, failed: 2 });
});

test('what is said of failed tests is found: their titles, and their details', (t) => {
  const failures = avaFailures(recorded('fails'));
  t.is(failures.filter((line) => line.startsWith('  ✘ [fail]: ')).length, 2);
  t.true(failures.some((line) => line.includes('Difference')));
  t.false(failures.some((line) => line.includes('holds (136ms)')));
  t.true(avaFailures(recorded('hangs')).some((line) => /tests? (?:remaining|were pending) in/.test(line)));
  t.deepEqual(avaFailures(recorded('passes')), []);
  const ofCargo = cargoFailures(recorded('cargo'));
  t.true(ofCargo.some((line) => line.includes('panicked at')));
  t.true(ofCargo.some((line) => line.includes('signal: ')));
});

test('a suite that failed without naming a test, or ran none, has failed once', (t) => {
  t.deepEqual(countedSuite({ passed: 3, failed: 0 }, 1), { passed: 3, failed: 1 });
  t.deepEqual(countedSuite({ passed: 0, failed: 0 }, 0), { passed: 0, failed: 1 });
  t.deepEqual(countedSuite({ passed: 3, failed: 0 }, 0), { passed: 3, failed: 0 });
  t.deepEqual(countedSuite({ passed: 3, failed: 2 }, 1), { passed: 3, failed: 2 });
});
