/**
 * How a cluster is named: `gazette+http://HOST:PORT`, with the prefix of its journals where that is another. Several
 * members have commas between them: `gazette+http://HOST:PORT,HOST:PORT/PREFIX`.
 */

import { UsageError } from '../../core/errors.ts';

/** Stands before the names of the journals, and before the keys in etcd. */
export const PREFIX = 'stream-sum/';

export type GazetteAddress = {
  /** As it was given. */
  readonly address: string;
  /** URLs of brokers: any of them serves all journals. The first one is asked first. */
  readonly brokers: readonly string[];
  /** Ends with a slash. */
  readonly prefix: string;
};

export function isGazetteAddress(text: string): boolean {
  return text.startsWith('gazette+');
}

export function parseGazetteAddress(text: string, flag: string): GazetteAddress {
  const urls = isGazetteAddress(text) ? urlsOf(text.slice('gazette+'.length)) : null;
  if (urls === null) {
    throw new UsageError(
      `${flag} ${text}: expected gazette+http://HOST:PORT or gazette+https://HOST:PORT, ` +
        'or several HOST:PORT with commas',
    );
  }
  const path = (urls.at(-1)?.pathname ?? '').replaceAll(/^\/+|\/+$/g, '');
  return { address: text, brokers: urls.map(({ origin }) => origin), prefix: path === '' ? PREFIX : `${path}/` };
}

/** URLs of the members; the first one is asked first. */
export function parseEtcdAddress(text: string, flag: string): readonly string[] {
  const urls = urlsOf(text);
  if (urls === null) {
    throw new UsageError(
      `${flag} ${text}: expected http://HOST:PORT or https://HOST:PORT, or several HOST:PORT with commas`,
    );
  }
  return urls.map(({ origin }) => origin);
}

/** The scheme stands before the first one, and may stand before the others; a path stands behind the last one. */
function urlsOf(text: string): URL[] | null {
  const scheme = /^https?:\/\//.exec(text)?.[0];
  if (scheme === undefined) return null;
  const parts = text.split(',').map((part) => (/^https?:\/\//.test(part) ? part : `${scheme}${part}`));
  const urls: URL[] = [];
  for (const [at, part] of parts.entries()) {
    if (!URL.canParse(part)) return null;
    const url = new URL(part);
    const hasPath = url.pathname !== '/' && at < parts.length - 1;
    const isPlain = url.search === '' && url.hash === '' && url.username === '' && url.hostname !== '';
    if (!isPlain || hasPath) return null;
    urls.push(url);
  }
  return urls;
}
