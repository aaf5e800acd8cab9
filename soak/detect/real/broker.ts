/** Takes the place of `src/journal/broker/serve.ts` in the broker of a soak with a planted bug. */

import { serveBroker as serve } from '../../../src/journal/broker/serve.ts';
import { Planted } from './planted.ts';

export const serveBroker: typeof serve = (options) => {
  const planted = new Planted('broker', options.store.path);
  const { decorations, subject } = planted;
  const watched = { ...options, store: planted.store(options.store) };
  return (decorations.serveBroker ?? serve)(decorations.broker?.(watched, subject) ?? watched);
};
