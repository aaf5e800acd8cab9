/** One planted fault for each that finds faults; `violations.deep.test.ts` has the others. */

import { QUICK, chunkerFinds, soakIsViolated, summerFinds } from './testing/planted-violations.ts';

chunkerFinds(QUICK.ofSums);
summerFinds(QUICK.ofChunks);
soakIsViolated('repeat-sum', 'duplicate');
