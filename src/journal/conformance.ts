/**
 * What an engine of `Journals` must do, as checks that any test runner can run:
 *
 *     for (const { title, run } of testJournals(makeMyEngine)) test(title, run);
 *
 * Each check starts a fresh, empty engine with at least two partitions. A check fails by throwing. The checks that
 * every engine must pass are in `conformance/owed.ts`; an engine that promises more adds checks.
 */

import { OWED } from './conformance/owed.ts';
import type { CheckCase } from './conformance/asking.ts';
import type { Journals } from './journals.ts';

/** An engine that runs. Every call of `connect` gives a separate client. */
export type Engine = {
  connect(): Journals;
  /** Stops the engine after its clients were closed. */
  stop(): Promise<void>;
};

export type Check = { readonly title: string; readonly run: () => Promise<void> };

/** The checks of one engine. `added`: checks of what it promises beyond every engine's duties. */
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
