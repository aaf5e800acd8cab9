/** The digest of a history: times and bytes of every event. Runs with equal digests have had the same history. */

import { createHash } from 'node:crypto';
import type { LogEntry } from './history-log.ts';

/** Text up to this length is hashed together. */
const TEXT_LENGTH_MAX = 32 * 1024;

export class HistoryDigest {
  readonly #hash = createHash('sha256');
  /** Text that is not hashed yet. */
  #text = '';

  /** Numbers and causes are not part of the digest. */
  add({ event }: LogEntry): void {
    if (event.event !== 'batch') {
      this.#text += `${JSON.stringify(event)}\n`;
      if (this.#text.length > TEXT_LENGTH_MAX) this.#flush();
      return;
    }
    const { atNs, journal, begin, end, stampNs, bytes } = event;
    this.#text += `batch ${atNs} ${journal} ${begin} ${end} ${stampNs} ${bytes.length}\n`;
    this.#flush();
    this.#hash.update(bytes);
  }

  /** The digest of every event so far: 64 hexadecimal digits. */
  get hex(): string {
    this.#flush();
    return this.#hash.copy().digest('hex');
  }

  #flush(): void {
    this.#hash.update(this.#text);
    this.#text = '';
  }
}
