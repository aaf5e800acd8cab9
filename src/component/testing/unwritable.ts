/** Descriptors that cannot be written, each for another reason, and their files. Linux. */

import { execFileSync } from 'node:child_process';
import { closeSync, constants, openSync, readSync, writeSync } from 'node:fs';
import { join } from 'node:path';

const { O_RDONLY, O_RDWR, O_WRONLY, O_NONBLOCK } = constants;

export type Unwritable = {
  /** A descriptor to be written to, by this process or by a child that gets it. */
  readonly descriptor: number;
  /** Reads the rest of a pipe, which makes room in it. */
  read(): string;
  close(): void;
};

export const UNWRITABLE = ['a full disk', 'a closed pipe', 'a pipe that nobody reads'] as const;

export function unwritable(kind: (typeof UNWRITABLE)[number], folder: string): Unwritable {
  switch (kind) {
    case 'a full disk': {
      const descriptor = openSync('/dev/full', O_WRONLY);
      return { descriptor, read: () => '', close: () => closeSync(descriptor) };
    }
    case 'a closed pipe': {
      const path = fifo(folder, 'closed');
      const reader = openSync(path, O_RDONLY | O_NONBLOCK);
      const descriptor = openSync(path, O_WRONLY);
      closeSync(reader);
      return { descriptor, read: () => '', close: () => closeSync(descriptor) };
    }
    case 'a pipe that nobody reads': {
      const path = fifo(folder, 'full');
      const reader = openSync(path, O_RDWR | O_NONBLOCK);
      fill(reader);
      const descriptor = openSync(path, O_WRONLY);
      const close = (): void => [reader, descriptor].forEach((each) => closeSync(each));
      return { descriptor, read: () => readAll(reader), close };
    }
    default:
      return kind satisfies never;
  }
}

function fifo(folder: string, name: string): string {
  const path = join(folder, `${name}.fifo`);
  execFileSync('mkfifo', [path]);
  return path;
}

function fill(descriptor: number): void {
  for (const bytes of [4096, 1]) {
    try {
      for (;;) writeSync(descriptor, Buffer.alloc(bytes, '.'));
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EAGAIN') throw error;
    }
  }
}

function readAll(descriptor: number): string {
  const bytes = Buffer.alloc(256 * 1024);
  let text = '';
  try {
    for (;;) text += bytes.toString('utf8', 0, readSync(descriptor, bytes));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EAGAIN') throw error;
  }
  return text;
}
