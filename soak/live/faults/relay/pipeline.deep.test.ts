import test from 'ava';
import { verifiesEveryFile } from './testing/hurt-pipeline.ts';

for (const transport of ['ipc', 'tcp'] as const) {
  test.serial(`${transport}: whatever its links do, a pipeline of real processes verifies every file`, (t) =>
    verifiesEveryFile(t, transport),
  );
}
