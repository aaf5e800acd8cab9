/** The kinds of series that `leaks.test.ts` leaves out. */

import { CLEAN, CLEAN_QUICK, isToldFromLeaks } from './testing/planted-leaks.ts';

for (const [name, made] of Object.entries(CLEAN)) if (!CLEAN_QUICK.includes(name)) isToldFromLeaks(name, made);
