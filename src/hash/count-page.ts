// Counts in a page of a file that this process shares with whoever watches it. Each change is one store, without a
// system call. The counts can be read after this process was stopped or killed.

import { CountPage as AddonCountPage } from '#addon';
import { checkString } from './bytes.ts';

/** How many counts a page has, 4 bytes each in the byte order of the machine. */
export const COUNTS_MAX = 64;

/** A mapped page. */
export class CountPage {
  readonly #page: AddonCountPage;

  private constructor(page: AddonCountPage) {
    this.#page = page;
  }

  /**
   * Maps the page of the file at `path` that begins at `offset`, a multiple of 4096. Throws ERR_COUNT_PAGE if it cannot
   * be mapped or the file has no such page. Nobody may cut the file shorter while this process lives. Where the blocks
   * of the page are not reserved, a full file system ends this process at its first store (SIGBUS).
   */
  static open(path: string, offset: number): CountPage {
    checkString('path', path);
    return new CountPage(AddonCountPage.open(path, offset));
  }

  /** Stores a count, modulo 2^32. Throws ERR_OUT_OF_RANGE for an index that the page does not have. */
  set(index: number, value: number): void {
    this.#page.set(index, value);
  }

  /** Adds one to a count. */
  add(index: number): void {
    this.#page.add(index);
  }
}
