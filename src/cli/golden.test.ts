/**
 * What the command line prints, against the golden texts: all of it from one process, by the functions that `main.ts`
 * uses, and some of it as a user starts it. `golden.deep.test.ts` starts a process for each.
 */

import { fileURLToPath } from 'node:url';
import test, { type ExecutionContext } from 'ava';
import {
  HELPS,
  MISTAKES,
  type Said,
  checkHelps,
  checkMistake,
  checkMistakes,
  isGoldenMistake,
  packageVersion,
  said,
} from './testing/golden-texts.ts';
import { TestProcess } from './testing/test-process.ts';

const SAY_ALL = fileURLToPath(new URL('./testing/say-all.js', import.meta.url));

/** What is said to each of the command lines, in one process. */
async function allSaid(t: ExecutionContext, commandLines: readonly (readonly string[])[]): Promise<Said[]> {
  const process = new TestProcess(t, [JSON.stringify(commandLines)], { script: SAY_ALL });
  t.deepEqual(await process.exit(), { code: 0, signal: null }, process.stderr.join('\n'));
  t.deepEqual(process.stderr, []);
  t.is(process.stdout.length, commandLines.length);
  return commandLines.map((argv, index) => {
    const { stdout, line, exitCode } = JSON.parse(process.stdout[index] ?? '') as {
      readonly stdout: string;
      readonly line: string | null;
      readonly exitCode: number;
    };
    const stderr = line === null ? [] : [`stream-sum: ${line}`];
    return { argv, code: exitCode, stdout: stdout.replace(/\n$/, ''), stderr };
  });
}

test.serial('the program has the agreed help of itself and of every command', async (t) => {
  checkHelps(t, await allSaid(t, HELPS));
});

test.serial('the program answers every mistake with the agreed line, and means to exit with 2', async (t) => {
  checkMistakes(t, await allSaid(t, MISTAKES));
});

test.serial('a process prints help and exits 0, or prints one line and exits 2', async (t) => {
  const [help, same] = [await said(t, []), await said(t, ['help'])];
  t.deepEqual([help.code, help.stderr, help.stdout], [0, [], same.stdout]);
  t.regex(help.stdout, /^Usage: stream-sum /);
  for (const argv of [['soak', '--durtion', '3s'], MISTAKES.find(([, , , , path]) => path === 'ipc:///proc/x')]) {
    if (argv === undefined) throw new Error('no such mistake');
    const text = checkMistake(t, await said(t, argv));
    t.true(isGoldenMistake(text), text);
  }
});

test.serial('the version is that of the package', async (t) => {
  t.is((await said(t, ['--version'])).stdout, packageVersion());
});
