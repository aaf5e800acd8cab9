/**
 * What an engine of `Journals` must do, as checks that any test runner can run:
 *
 *     for (const { title, run } of testJournals(makeMyEngine)) test(title, run);
 *
 * Each check starts an engine of its own, empty, with at least two partitions. A check fails by throwing. What any
 * engine owes is in `conformance/owed.ts`; an engine that promises more adds the checks of that.
 */

import { OWED } from './conformance/owed.ts';
import type { CheckCase } from './conformance/asking.ts';
import type { Journals } from './journals.ts';

/** An engine that runs, and that every call of `connect` gives a client of its own to. */
export type Engine = {
  connect(): Journals;
  /** Stops it after its clients were closed. */
  stop(): Promise<void>;
};

export type Check = { readonly title: string; readonly run: () => Promise<void> };

/** The checks of one engine. `added`: what it promises beyond what any engine owes. */
export function testJournals(start: () => Promise<Engine>, added: readonly CheckCase[] = []): Check[] {
  return [...OWED, ...added].map(([title, check]) => ({
    title,
    async run() {
      const engine = await start();
      const clients: Journals[] = [];
      const connect = (): Journals => {
        const client = engine.connect();
        clients.push(client);
        return client;
      };
      try {
        await check(connect);
      } finally {
        for (const client of clients) client.close();
        await engine.stop();
      }
    },
  }));
}
