/**
 * Folders that a user names. They are made one by one, because Node's recursive mkdir never returns where a folder
 * cannot exist (as in /proc), and says ENOENT on a read-only file system.
 */

import { accessSync, constants, lstatSync, mkdirSync, mkdtempSync, rmdirSync, statSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { OperatingError, UsageError } from './errors.ts';

/**
 * The machine lacks a resource, and another folder would not help. (A full disk is not in this list: another folder may
 * be on another disk.)
 */
const LACKING: ReadonlySet<string> = new Set(['EMFILE', 'ENFILE', 'ENOMEM', 'EIO']);

/**
 * Makes a folder and its missing parents, and returns the folders that it made, outermost first. On failure it throws
 * the system's error and leaves none of these folders behind.
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

/** Removes the folders that `makeFoldersSync` made, as far as they are empty. */
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
 * Makes the folder that an option names, tries to write in it, and returns the folders that it made. Throws UsageError
 * with one line that names option, value and reason, or OperatingError ERR_FOLDER when the machine lacks a resource.
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

/** Throws UsageError when the file that an option names cannot be written. Commands call it before long work. */
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

/** The reason of a failed system call, as `permission denied (EACCES)`. */
export function reasonOf(cause: unknown): string {
  const message = cause instanceof Error ? cause.message : String(cause);
  const [, code, text] = /^(E[A-Z0-9]+): (.*?)(?:, \w+\b.*)?$/.exec(message) ?? [];
  return code === undefined ? message : `${text} (${code})`;
}

function codeOf(cause: unknown): string {
  const code = (cause as { code?: unknown } | null)?.code;
  return typeof code === 'string' ? code : '';
}

/** False when nothing has that name. Throws when something else has it, or when the system does not say. */
function isFolder(path: string): boolean {
  try {
    if (statSync(path).isDirectory()) return true;
  } catch (error) {
    if (codeOf(error) !== 'ENOENT') throw error;
    if (isLink(path)) throw new Error(`${path} is a link that leads nowhere`, { cause: error });
    if (dirname(path) === path) throw error;
    return false;
  }
  throw new Error(`${path} is not a folder`);
}

function isLink(path: string): boolean {
  try {
    return lstatSync(path).isSymbolicLink();
  } catch {
    return false;
  }
}

/** False when another process has just made the folder. */
function makeFolder(folder: string): boolean {
  try {
    mkdirSync(folder);
    return true;
  } catch (error) {
    if (codeOf(error) === 'EEXIST' && isFolder(folder)) return false;
    throw error;
  }
}
