/**
 * Folders that a user names. They are made one by one: Node's own recursive mkdir never returns where a folder cannot
 * exist, as in /proc, and says ENOENT on a read-only file system.
 */

import { accessSync, constants, lstatSync, mkdirSync, mkdtempSync, rmdirSync, statSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { OperatingError, UsageError } from './errors.ts';

/** The machine lacks something, and another folder would not help. (A full disk is the folder's.) */
const LACKING: ReadonlySet<string> = new Set(['EMFILE', 'ENFILE', 'ENOMEM', 'EIO']);

/**
 * Makes a folder and those above it that are missing; gives the ones that were made, outermost first. Throws the
 * system's error, with none of them left behind.
 */
export function makeFoldersSync(path: string): string[] {
  const missing: string[] = [];
  for (let folder = resolve(path); !isFolder(folder); folder = dirname(folder)) missing.push(folder);
  const made: string[] = [];
  try {
    for (const folder of missing.toReversed()) if (makeFolder(folder)) made.push(folder);
  } catch (error) {
    removeFolders(made);
    throw error;
  }
  return made;
}

/** Removes what `makeFoldersSync` made, as far as it is empty. */
export function removeFolders(made: readonly string[]): void {
  for (const folder of made.toReversed()) {
    try {
      rmdirSync(folder);
    } catch {
      return;
    }
  }
}

/**
 * Makes the folder that an option names, and tries that something can be made in it. Gives the folders that were made.
 * Throws UsageError in one line that names option, value and reason, or OperatingError ERR_FOLDER where the machine
 * lacks what it takes.
 */
export function makeUsableFolder(option: string, path: string): string[] {
  let made: string[] = [];
  try {
    if (path === '') throw new Error('it is empty');
    made = makeFoldersSync(path);
    rmdirSync(mkdtempSync(join(path, '.try-')));
    return made;
  } catch (cause) {
    removeFolders(made);
    throw folderError(option, path, cause);
  }
}

/** Throws a UsageError where the file that an option names could not be written: before work that takes long. */
export function checkWritable(option: string, file: string): void {
  const folder = dirname(file);
  try {
    accessSync(folder, constants.W_OK);
  } catch {
    throw new UsageError(`${option} ${file}: there is no folder ${folder} that can be written to`);
  }
}

/** The one line about a folder that cannot be used. */
export function folderError(option: string, path: string, cause: unknown): UsageError | OperatingError {
  const line = `cannot use ${option} ${path}: ${reasonOf(cause)}`;
  return LACKING.has(codeOf(cause)) ? new OperatingError('ERR_FOLDER', line, { cause }) : new UsageError(line);
}

/** What a system call said, as `permission denied (EACCES)`. */
export function reasonOf(cause: unknown): string {
  const message = cause instanceof Error ? cause.message : String(cause);
  const [, code, text] = /^(E[A-Z0-9]+): (.*?)(?:, \w+\b.*)?$/.exec(message) ?? [];
  return code === undefined ? message : `${text} (${code})`;
}

function codeOf(cause: unknown): string {
  const code = (cause as { code?: unknown } | null)?.code;
  return typeof code === 'string' ? code : '';
}

/** False where there is nothing of that name. Throws where there is something else, or nothing can be found out. */
function isFolder(path: string): boolean {
  try {
    if (statSync(path).isDirectory()) return true;
  } catch (error) {
    if (codeOf(error) !== 'ENOENT') throw error;
    if (isLink(path)) throw new Error(`${path} is a link that leads nowhere`, { cause: error });
    if (dirname(path) === path) throw error;
    return false;
  }
  throw new Error(`${path} is no folder`);
}

function isLink(path: string): boolean {
  try {
    return lstatSync(path).isSymbolicLink();
  } catch {
    return false;
  }
}

/** False when another process has just made it. */
function makeFolder(folder: string): boolean {
  try {
    mkdirSync(folder);
    return true;
  } catch (error) {
    if (codeOf(error) === 'EEXIST' && isFolder(folder)) return false;
    throw error;
  }
}
