/**
 * A backend that this machine cannot run, forced on a real process: one line, exit 2, and nothing was begun.
 * `hash-backend.deep.test.ts` has the other commands that hash.
 */

import test from 'ava';
import { checkRefusals, checkWhatComesBefore } from './testing/hash-backends.ts';

test('every command that hashes refuses an unknown or unsupported backend with one line and exit 2', (t) => {
  checkRefusals(t, 'summer');
});

test('help, and a flag that is wrong as well, come before the backend', (t) => {
  checkWhatComesBefore(t, 'summer');
});
