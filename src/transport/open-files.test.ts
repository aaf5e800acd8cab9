/**
 * Processes that may open few files: each says so in one line, or works with them. libzmq alone would abort them.
 * `open-files.deep.test.ts` has more of each.
 */

import test from 'ava';
import { connectionsDoNotEndIt, tooFewFilesAreSaid } from './testing/few-files.ts';

test.serial('a component that may open too few files for its links ends with one line that says so', (t) =>
  tooFewFilesAreSaid(t, [
    { component: 'broker', kind: 'ipc', openFilesMax: 64 },
    { component: 'chunker', kind: 'ipc', openFilesMax: 64 },
  ]),
);

test.serial('over ipc, more connections than a broker may open files do not end it', (t) =>
  connectionsDoNotEndIt(t, 'ipc'),
);
