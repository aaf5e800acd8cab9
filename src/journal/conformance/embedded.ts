/** What the embedded engine adds: its offsets are bytes, from 0. */

import { equal } from 'node:assert/strict';
import { type CheckCase, JOURNAL, chunks, committed, soon } from './asking.ts';

export const EMBEDDED: readonly CheckCase[] = [
  [
    'batches are committed back to back, byte by byte',
    async (connect) => {
      const journals = connect();
      const batches = [chunks(0, 3), chunks(3, 1), chunks(4, 2)];
      const outcomes = await Promise.all(batches.map((bytes) => committed(journals, bytes)));
      let offset = 0;
      for (const [at, bytes] of batches.entries()) {
        equal(outcomes[at]?.begin, offset);
        offset += bytes.length;
        equal(outcomes[at]?.end, offset);
      }
      equal(await soon(journals.head(JOURNAL), 'head'), offset);
    },
  ],
];
