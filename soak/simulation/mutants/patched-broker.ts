/** A broker with changed rules: its state is patched right after it was composed. */

import { type ServedBroker, serveBroker } from '../../../src/journal/broker/serve.ts';
import type { BrokerState } from '../../../src/journal/broker/state.ts';
import type { Decorations, Subject } from '../decorations.ts';

export function patchedBroker(patch: (state: BrokerState, subject: Subject) => void): Decorations {
  let current: Subject | null = null;
  return {
    broker: (options, subject) => {
      current = subject;
      return options;
    },
    serveBroker: async (options): Promise<ServedBroker> => {
      const subject = current;
      const served = await serveBroker(options);
      if (subject !== null) patch(served.broker.state, subject);
      return served;
    },
  };
}
