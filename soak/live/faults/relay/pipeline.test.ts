import test from 'ava';
import { verifiesEveryFile } from './testing/hurt-pipeline.ts';

test('ipc: whatever its links do, a pipeline of real processes verifies every file', (t) =>
  verifiesEveryFile(t, 'ipc'));
