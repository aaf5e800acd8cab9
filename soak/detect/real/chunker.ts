/** Takes the place of `src/chunker/prepare-chunker.ts` in the chunker of a soak with a planted bug. */

import { prepareChunker as prepare } from '../../../src/chunker/prepare-chunker.ts';
import { Planted } from './planted.ts';

export { batchBytesWithin } from '../../../src/chunker/prepare-chunker.ts';

export const prepareChunker: typeof prepare = (options) => {
  const planted = new Planted('chunker', options.store.path);
  const { decorations, subject } = planted;
  const watched = { ...options, journals: planted.journals(options.journals), store: planted.store(options.store) };
  return (decorations.prepareChunker ?? prepare)(decorations.chunker?.(watched, subject) ?? watched);
};
