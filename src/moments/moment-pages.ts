/**
 * The pages of all processes of a run, one after the other in a file that only this process and its children can reach.
 * The file has no name, so nothing of it is left when they have ended, however they end. When there is a file system in
 * memory, no page is ever written to a disk.
 */

import { closeSync, ftruncateSync, mkdtempSync, openSync, readSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { allocateFile } from '../hash/file-space.ts';
import { MOMENTS_VARIABLE } from './own-moments.ts';
import { PAGE_BYTES, READ_BYTES, type SeenMoments, decodePage } from './page-layout.ts';

/** The first folder that takes the file is used. */
const FOLDERS: readonly string[] = ['/dev/shm', tmpdir()];

export class MomentPages {
  readonly #descriptor: number;
  readonly #pages = new Map<string, number>();
  readonly #bytes = Buffer.alloc(READ_BYTES);

  private constructor(descriptor: number) {
    this.#descriptor = descriptor;
  }

  /** Null when no file can be shared in this way. */
  static create(folders: readonly string[] = FOLDERS): MomentPages | null {
    for (const folder of folders) {
      const descriptor = namelessFile(folder);
      if (descriptor !== null) return new MomentPages(descriptor);
    }
    return null;
  }

  /** The environment that makes a process of this name write its page. Empty: there is no room for one. */
  environmentOf(name: string): Readonly<Record<string, string>> {
    const path = `/proc/${process.pid}/fd/${this.#descriptor}`;
    const offset = this.#pages.get(name) ?? this.#pages.size * PAGE_BYTES;
    if (!this.#pages.has(name)) {
      if (!this.#reserve(path, offset + PAGE_BYTES)) return {};
      this.#pages.set(name, offset);
    }
    return { [MOMENTS_VARIABLE]: `${path}#${offset}` };
  }

  /** Without reserved blocks, a full file system ends a process that writes its page (SIGBUS). */
  #reserve(path: string, bytes: number): boolean {
    try {
      ftruncateSync(this.#descriptor, bytes);
      return allocateFile(path, bytes) === null;
    } catch {
      return false;
    }
  }

  /** What the page of a process says now; for a dead process, what it said last. Null: it has said nothing. */
  read(name: string): SeenMoments | null {
    const offset = this.#pages.get(name);
    if (offset === undefined) return null;
    const read = readSync(this.#descriptor, this.#bytes, 0, READ_BYTES, offset);
    return read === READ_BYTES ? decodePage(this.#bytes) : null;
  }

  /** After this nothing can be read. */
  close(): void {
    this.#pages.clear();
    closeSync(this.#descriptor);
  }
}

/** An open file whose folder is already removed; null when none can be made. */
function namelessFile(parent: string): number | null {
  try {
    const folder = mkdtempSync(join(parent, 'stream-sum-moments-'));
    try {
      return openSync(join(folder, 'pages'), 'wx+', 0o600);
    } finally {
      rmSync(folder, { recursive: true });
    }
  } catch {
    return null;
  }
}
