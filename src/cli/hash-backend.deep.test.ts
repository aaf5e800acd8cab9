/** Backends that are forced on real processes: one that cannot be had is one line, exit 2, and nothing was begun. */

import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { EXIT } from '../core/errors.ts';
import { checkRefusals, checkWhatComesBefore, run } from './testing/hash-backends.ts';
import { temporaryFolder } from './testing/test-process.ts';

/** `hash-backend.test.ts` has the summer. */
const COMMANDS = ['soak', 'simulate', 'bench', 'profile'] as const;

test('every command that hashes refuses an unknown or unsupported backend with one line and exit 2', (t) => {
  for (const command of COMMANDS) checkRefusals(t, command);
});

test('help, and a flag that is wrong as well, come before the backend', (t) => {
  for (const command of COMMANDS) checkWhatComesBefore(t, command);
});

test('a backend that this CPU has hashes, and the run says which it was', (t) => {
  const results = join(temporaryFolder(t), 'results');
  const { code, stderr } = run(['bench', '--suite', 'hash', '--smoke', '--results', results], 'portable');
  t.is(code, EXIT.holds, stderr);
  const [folder = ''] = readdirSync(results);
  t.regex(readFileSync(join(results, folder, 'run.json'), 'utf8'), /"addonBackend": ?"portable"/);
});
