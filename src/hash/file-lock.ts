// Exclusive kernel locks on files. A lock ends with the process that holds it, however the process ends, and holds
// while the process is stopped. Locks are advisory and work on one machine. A folder is guarded by a lock file in it.

import { FileLock as AddonFileLock } from '#addon';
import { checkString } from './bytes.ts';

/** A held lock. Keep a reference to it: a lock that is garbage-collected is released. */
export class FileLock {
  readonly #lock: AddonFileLock;

  private constructor(lock: AddonFileLock) {
    this.#lock = lock;
  }

  /**
   * Locks the file at `path`. A missing file is made; the file is neither read nor written. Returns null if another
   * process, or another lock of this process, holds it. Throws ERR_FILE_LOCK if the operating system refuses the file.
   */
  static tryAcquire(path: string): FileLock | null {
    checkString('path', path);
    const lock = AddonFileLock.tryAcquire(path);
    return lock === null ? null : new FileLock(lock);
  }

  /** Releases the lock; the file stays. Calling it again does nothing. */
  release(): void {
    this.#lock.release();
  }
}
