/** The files that this process has open, as the kernel names them. */

import { readdirSync, readlinkSync } from 'node:fs';

export type OpenFile = { readonly descriptor: number; readonly path: string };

/** Those whose path begins with `path`. */
export function openFilesAt(path: string): OpenFile[] {
  return readdirSync('/proc/self/fd').flatMap((name): OpenFile[] => {
    try {
      const file = { descriptor: Number(name), path: readlinkSync(`/proc/self/fd/${name}`) };
      return file.path.startsWith(path) ? [file] : [];
    } catch {
      // It was closed meanwhile, as the descriptor of the listing itself is.
      return [];
    }
  });
}
