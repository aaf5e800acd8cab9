/** Processes that may open few files: those that `open-files.test.ts` leaves out. */

import test from 'ava';
import { connectionsDoNotEndIt, tooFewFilesAreSaid } from './testing/few-files.ts';

test.serial('a component that may open too few files for its links ends with one line that says so', (t) =>
  tooFewFilesAreSaid(t, [
    { component: 'broker', kind: 'ipc', openFilesMax: 200 },
    { component: 'broker', kind: 'tcp', openFilesMax: 64 },
    { component: 'broker', kind: 'tcp', openFilesMax: 200 },
    { component: 'summer', kind: 'ipc', openFilesMax: 64 },
  ]),
);

test.serial('over tcp, more connections than a broker may open files do not end it', (t) =>
  connectionsDoNotEndIt(t, 'tcp'),
);
