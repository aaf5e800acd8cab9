/** How a cluster is named: `gazette+http://HOST:PORT`, with the prefix of its journals where that is another. */

import { UsageError } from '../../core/errors.ts';

/** Stands before the names of the journals, and before the keys in etcd. */
export const PREFIX = 'stream-sum/';

export type GazetteAddress = {
  /** As it was given. */
  readonly address: string;
  /** URL of a broker: any of them serves all journals. */
  readonly broker: string;
  /** Ends with a slash. */
  readonly prefix: string;
};

export function isGazetteAddress(text: string): boolean {
  return text.startsWith('gazette+');
}

export function parseGazetteAddress(text: string, flag: string): GazetteAddress {
  const url = isGazetteAddress(text) ? urlOf(text.slice('gazette+'.length)) : null;
  if (url === null) {
    throw new UsageError(`${flag} ${text}: expected gazette+http://HOST:PORT or gazette+https://HOST:PORT`);
  }
  const path = url.pathname.replaceAll(/^\/+|\/+$/g, '');
  return { address: text, broker: url.origin, prefix: path === '' ? PREFIX : `${path}/` };
}

export function parseEtcdAddress(text: string, flag: string): string {
  const url = urlOf(text);
  if (url === null) throw new UsageError(`${flag} ${text}: expected http://HOST:PORT or https://HOST:PORT`);
  return url.origin;
}

function urlOf(text: string): URL | null {
  if (!URL.canParse(text)) return null;
  const url = new URL(text);
  const isPlain = url.search === '' && url.hash === '' && url.username === '' && url.hostname !== '';
  return isPlain && (url.protocol === 'http:' || url.protocol === 'https:') ? url : null;
}
