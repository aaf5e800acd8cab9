import { readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { spawnSync } from 'node:child_process';
import test from 'ava';
import { MAIN, temporaryFolder, within } from '../cli/testing/test-process.ts';
import { ComponentProcess, LOG_BYTES_MAX, type ProcessExit, componentLaunch } from './component-process.ts';

const SCRIPT = "console.error([process.env.FROM_LAUNCH, process.env.PATH, process.argv.at(-1)].join('\\n'))";

test('a component gets what its launch adds to the environment, and what was set already comes first', async (t) => {
  const logPath = join(temporaryFolder(t), 'log');
  const exit = await new Promise<ProcessExit>((resolve, reject) => {
    const component = new ComponentProcess(
      { name: 'broker', component: 'broker', argv: ['last'], partitions: [] },
      {
        launch: {
          command: process.execPath,
          argv: ['-e', SCRIPT, '--'],
          environment: { FROM_LAUNCH: 'added', PATH: 'replaced' },
        },
        logPath,
        listener: {
          onEvent: () => undefined,
          onExit: (_, ended) => resolve(ended),
          onBroken: (_, error) => reject(error),
        },
      },
    );
    component.start();
  });
  t.is(exit.code, 0);
  t.is(readFileSync(logPath, 'utf8'), `added\n${process.env['PATH']}\nlast\n`);
});

/** Fills the young generation with objects that survive, and prints how large it has become. */
const HALF_OF_YOUNG = `
  const kept = [];
  for (let round = 0; round < 40; round += 1) {
    const these = [];
    for (let index = 0; index < 40_000; index += 1) these.push({ index });
    kept.push(these);
  }
  require('node:v8').getHeapSpaceStatistics().find(({ space_name }) => space_name === 'new_space').space_size`;

test('a component of this build runs in the same Node, with a small young generation, and keeps freed buffers', (t) => {
  const { command, argv, environment } = componentLaunch('/somewhere/main.js');
  t.is(command, process.execPath);
  const { status, stdout } = spawnSync(command, [...argv.slice(0, -1), '-p', HALF_OF_YOUNG], { encoding: 'utf8' });
  t.is(status, 0, 'Node knows each flag');
  t.true(Number(stdout) <= 8 * 1024 * 1024, stdout);
  t.is(argv.at(-1), '/somewhere/main.js');
  // glibc takes no threshold above 32 MiB, and without a valid threshold it maps every buffer.
  t.is(Number(environment?.['MALLOC_MMAP_THRESHOLD_']), 32 * 1024 * 1024);
  t.true(Number(environment?.['MALLOC_TRIM_THRESHOLD_']) >= 32 * 1024 * 1024);
});

test('whatever is printed on the stdout of a component is no event, and goes to its log', async (t) => {
  const folder = temporaryFolder(t);
  const logPath = join(folder, 'log');
  const script = "console.log('noise, {}'); setInterval(() => console.log('{}'), 5).unref()";
  const noise = `data:text/javascript,${encodeURIComponent(script)}`;
  const flags = ['--data', join(folder, 'broker'), '--listen', `ipc://${join(folder, 'socket')}`, '--partitions', '1'];
  const seen: string[] = [];
  const exit = new Promise<ProcessExit>((resolve, reject) => {
    const component = new ComponentProcess(
      { name: 'broker', component: 'broker', argv: ['broker', ...flags, '--supervised', '3'], partitions: [] },
      {
        launch: { command: process.execPath, argv: ['--import', noise, MAIN] },
        logPath,
        listener: {
          onEvent: (running, { event }) => {
            seen.push(event);
            if (event === 'ready') running.send({ command: 'progress' });
            if (event === 'progress' && seen.length === 2) running.ask('stop', 'SIGTERM');
          },
          onExit: (_, ended) => resolve(ended),
          onBroken: (_, error) => reject(error),
        },
      },
    );
    component.start();
    t.teardown(() => component.ask('abandon', 'SIGKILL'));
  });
  t.like(await within(exit, () => seen.join(' ')), { code: 0, signal: null });
  t.deepEqual([seen.at(0), seen.at(1), seen.at(-1)], ['ready', 'progress', 'stopped']);
  t.regex(readFileSync(logPath, 'utf8'), /^noise, \{\}$/m);
});

test('a progress report cuts the log of a running process, and later lines are still there', async (t) => {
  const folder = temporaryFolder(t);
  const logPath = join(folder, 'log');
  // Its log is long from the beginning, and it writes a line to the log at each report.
  const noise = `data:text/javascript,${encodeURIComponent(
    `import { writeSync } from 'node:fs';
     for (let line = 0; line < 9; line += 1) writeSync(2, 'x'.repeat(1024 * 1024 - 1) + String.fromCharCode(10));
     process.on('exit', () => writeSync(2, 'the last line'));`,
  )}`;
  const flags = ['--data', join(folder, 'broker'), '--listen', `ipc://${join(folder, 'socket')}`, '--partitions', '1'];
  const seen: string[] = [];
  const exit = new Promise<ProcessExit>((resolve, reject) => {
    const component = new ComponentProcess(
      { name: 'broker', component: 'broker', argv: ['broker', ...flags, '--supervised', '3'], partitions: [] },
      {
        launch: { command: process.execPath, argv: ['--import', noise, MAIN] },
        logPath,
        listener: {
          onEvent: (running, { event }) => {
            seen.push(event);
            if (event === 'progress' && seen.length === 2) running.ask('stop', 'SIGTERM');
          },
          onExit: (_, ended) => resolve(ended),
          onBroken: (_, error) => reject(error),
        },
      },
    );
    component.start();
    t.teardown(() => component.ask('abandon', 'SIGKILL'));
  });
  t.is((await within(exit, () => seen.join(' '))).code, 0);
  t.true(statSync(`${logPath}.1`).size > LOG_BYTES_MAX);
  const rest = readFileSync(logPath, 'utf8');
  t.true(rest.length < LOG_BYTES_MAX && rest.endsWith('the last line'), `${rest.length} bytes`);
});
