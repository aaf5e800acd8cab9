/**
 * Hooks of Node's module loader, which `detect --real` registers in the components that it starts. Where a component is
 * composed, a function of this room takes the place of the one that composes it. Production code knows nothing of this.
 */

import type { ResolveHook } from 'node:module';

type Place = {
  /** The imported module and its importer, as ends of their URLs. */
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
