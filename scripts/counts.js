/**
 * Counts tests in the output of cargo and AVA, and finds what they say of those that failed. AVA says how many tests
 * passed only if none failed, and its TAP reporter breaks off at a timeout. So this reads the lines of its default
 * report.
 */

import { stripVTControlCharacters } from 'node:util';

/** `test result: ok. 12 passed; 0 failed; ...`, one for each binary that lived to print it. */
export function countCargo(output) {
  const sum = (pattern) => [...output.matchAll(pattern)].reduce((total, match) => total + Number(match[1]), 0);
  const crashed = [...output.matchAll(/^ {2}process didn't exit successfully: .*\(signal: /gm)].length;
  return { passed: sum(/(\d+) passed;/g), failed: sum(/passed; (\d+) failed;/g) + crashed };
}

/** What cargo says of the tests that failed: the part `failures:` of each binary, and the binaries that crashed. */
export function cargoFailures(output) {
  const parts = [...output.matchAll(/^failures:\n(?<part>[\s\S]*?)^failures:\n/gm)].map((match) => match.groups.part);
  const crashed = [...output.matchAll(/^ {2}process didn't exit successfully: .*\(signal: .*$/gm)];
  return [...parts, ...crashed.map(([line]) => line)].flatMap((part) => part.trim().split('\n'));
}

const PASSED = /^ {2}[✔√] (?!\[expected fail\])/;
const FAILED = /^ {2}[✘×] \[(?:fail|unexpected pass)\]: /;
/** Tests that were declared and did not end. */
const UNFINISHED = /^ {2}(?:[✘×] )?(?<count>\d+) tests? (?:remaining|were pending) in (?<file>.+)$/;
/** Ways in which a file fails without the name of a test. */
const FILE_FAILED = [
  /^ {2}[✘×] (?<file>.+) exited (?:due to|with a non-zero exit code)/,
  /^ {2}[✘×] (?:No tests found in|Exiting due to process\.exit\(\) when running) (?<file>.+)$/,
  /^ {2}[✘×] Internal error(?: when running (?<file>.+))?$/,
  /^ {2}(?:Uncaught exception in|Unhandled rejection in|Failed to exit when running) (?<file>.+)$/,
];

function linesOf(report) {
  return stripVTControlCharacters(report).split(/\r?\n/);
}

/** Counts AVA's default report. It does not contain what the tests themselves print, which AVA writes to stderr. */
export function countAva(report) {
  const counted = { passed: 0, failed: 0 };
  const unfinished = new Set();
  const failedFiles = new Set();
  for (const line of linesOf(report)) {
    // The details of the failures follow, then a summary.
    if (line === '  ─') break;
    if (PASSED.test(line)) counted.passed += 1;
    if (FAILED.test(line)) counted.failed += 1;
    const { count, file } = UNFINISHED.exec(line)?.groups ?? {};
    if (count !== undefined) {
      counted.failed += Number(count);
      unfinished.add(file);
      continue;
    }
    for (const pattern of FILE_FAILED) {
      const found = pattern.exec(line);
      if (found !== null) failedFiles.add(found.groups?.file ?? '');
    }
  }
  // A file that did not end its tests is counted by the unfinished tests.
  for (const file of failedFiles) if (!unfinished.has(file)) counted.failed += 1;
  return counted;
}

/** What AVA's default report says of the tests that failed: their lines among the others, and the details below. */
export function avaFailures(report) {
  const lines = linesOf(report);
  const end = lines.indexOf('  ─');
  const listed = end === -1 ? lines : lines.slice(0, end);
  const failed = listed.filter((line) => [FAILED, UNFINISHED, ...FILE_FAILED].some((pattern) => pattern.test(line)));
  return [...failed, ...(end === -1 ? [] : lines.slice(end + 1, lines.lastIndexOf('  ─')))];
}

/** The counts of a suite. A runner that fails without naming a test, or that finds no test, counts as failed. */
export function countedSuite({ passed, failed }, exitCode) {
  return { passed, failed: failed === 0 && (exitCode !== 0 || passed === 0) ? 1 : failed };
}
