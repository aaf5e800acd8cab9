/** Takes the place of `src/summer/prepare-summer.ts` in the summer of a soak with a planted bug. */

import { prepareSummer as prepare } from '../../../src/summer/prepare-summer.ts';
import { Planted } from './planted.ts';

export const prepareSummer: typeof prepare = (options) => {
  const planted = new Planted('summer', options.store.path);
  const { decorations, subject } = planted;
  const watched = { ...options, journals: planted.journals(options.journals), store: planted.store(options.store) };
  return (decorations.prepareSummer ?? prepare)(decorations.summer?.(watched, subject) ?? watched);
};
