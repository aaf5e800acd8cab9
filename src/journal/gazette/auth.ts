/**
 * Bearer tokens for brokers that ask for them (`--broker.auth-keys`): JSON web tokens that are signed with a key which
 * the brokers and their clients share (HS256, RFC 7515 and RFC 7519).
 */

import { createHmac } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { UsageError } from '../../core/errors.ts';

/** Capabilities of Gazette's `protocol.Claims`: LIST, APPLY, READ and APPEND. */
const CAPABILITY = 2 | 4 | 8 | 16;
/** How long a token is good for. Brokers end a call with its token. */
const LIFETIME_S = 3_600;
/** A token older than this is replaced, so that each call has most of an hour. */
const FRESH_S = 600;

/** The keys of brokers as they take them, and the first of them, which signs. */
export type BrokerKeys = { readonly text: string; readonly signing: Uint8Array };

/** Base64, separated by white space or commas. Throws a UsageError that does not show a key. */
export function readBrokerKeys(path: string, flag: string): BrokerKeys {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    throw new UsageError(`${flag} ${path}: ${error instanceof Error ? error.message : String(error)}`);
  }
  const keys = text.split(/[\s,]+/).filter((key) => key !== '');
  // The brokers take this one for a permission to come without a token. It is no key.
  const [first] = keys.filter((key) => key !== 'AA==');
  if (first === undefined || !keys.every(isBase64)) {
    throw new UsageError(`${flag} ${path}: expected keys in base64, with white space or commas between`);
  }
  return { text: keys.join(','), signing: Buffer.from(first, 'base64') };
}

function isBase64(text: string): boolean {
  return text.length % 4 === 0 && /^[A-Za-z0-9+/]+={0,2}$/.test(text);
}

/** Signs tokens with one key. */
export class BrokerTokens {
  readonly #key: Uint8Array;
  readonly #nowMs: () => number;
  #token = '';
  #signedS = Number.NEGATIVE_INFINITY;

  /** `nowMs`: the time of day, which the brokers compare with theirs. */
  constructor(key: Uint8Array, nowMs: () => number = Date.now) {
    this.#key = key;
    this.#nowMs = nowMs;
  }

  /** The value of the header `authorization`. */
  get authorization(): string {
    const nowS = Math.floor(this.#nowMs() / 1e3);
    // A clock that was set back would make a token from the future.
    if (nowS > this.#signedS + FRESH_S || nowS < this.#signedS) {
      this.#signedS = nowS;
      this.#token = this.#sign({ cap: CAPABILITY, sel: {}, iat: nowS, exp: nowS + LIFETIME_S });
    }
    return `Bearer ${this.#token}`;
  }

  #sign(claims: object): string {
    const signed = [{ alg: 'HS256', typ: 'JWT' }, claims].map((part) => base64url(JSON.stringify(part))).join('.');
    return `${signed}.${createHmac('sha256', this.#key).update(signed).digest('base64url')}`;
  }
}

function base64url(text: string): string {
  return Buffer.from(text).toString('base64url');
}
