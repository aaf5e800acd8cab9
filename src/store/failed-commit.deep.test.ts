/** Pages of a store that cannot be written, with the errors that `failed-commit.test.ts` leaves out. */

import { withCompiler } from '../cli/testing/shell.ts';
import { checkFailedWrite } from './testing/failing-disk.ts';

for (const [page, errors] of [
  ['meta', ['EIO', 'EDQUOT']],
  ['data', ['ENOSPC', 'EDQUOT']],
] as const) {
  withCompiler(`a ${page} page that cannot be written is one line, exit 1, and the store opens again`, async (t) => {
    for (const error of errors) await checkFailedWrite(t, page, error);
  });
}
