/**
 * Hooks of Node's module loader, which `detect --real` registers in the components that it starts: where a component is
 * composed, the function that composes it is that of this room. Production code knows nothing of it.
 */

import type { ResolveHook } from 'node:module';

type Place = {
  /** What is imported, and by whom; ends of their URLs. */
  readonly module: string;
  readonly by: string;
  readonly instead: string;
};

export const PLACES: readonly Place[] = [
  { module: '/src/summer/prepare-summer.js', by: '/src/cli/summer-command.js', instead: './summer.js' },
  { module: '/src/chunker/prepare-chunker.js', by: '/src/cli/chunker-command.js', instead: './chunker.js' },
  { module: '/src/journal/broker/serve.js', by: '/src/journal/broker/server.js', instead: './broker.js' },
];

export const resolve: ResolveHook = async (specifier, context, nextResolve) => {
  const resolved = await nextResolve(specifier, context);
  const { parentURL = '' } = context;
  const place = PLACES.find(({ module, by }) => resolved.url.endsWith(module) && parentURL.endsWith(by));
  return place === undefined ? resolved : { ...resolved, url: new URL(place.instead, import.meta.url).href };
};
