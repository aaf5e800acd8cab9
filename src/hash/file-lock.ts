// Exclusive kernel locks on files: they end with the process that holds them, however it ends, and hold while it is
// stopped. Advisory, and for one machine: a folder is guarded by a lock file in it.

import { FileLock as AddonFileLock } from '#addon';
import { checkString } from './bytes.ts';

/** A held lock. Keep a reference to it: a lock that is garbage-collected is released. */
export class FileLock {
  readonly #lock: AddonFileLock;

  private constructor(lock: AddonFileLock) {
    this.#lock = lock;
  }

  /**
   * Locks the file at `path`, which is made if it is missing, and is neither read nor written. Returns null if another
   * process holds it, or another lock of this one. Throws ERR_FILE_LOCK if the operating system refuses the file.
   */
  static tryAcquire(path: string): FileLock | null {
    checkString('path', path);
    const lock = AddonFileLock.tryAcquire(path);
    return lock === null ? null : new FileLock(lock);
  }

  /** Gives the lock up; the file stays. Again is harmless. */
  release(): void {
    this.#lock.release();
  }
}
