/**
 * The disks of a cluster's members: an ext4 file system each, in a file, mounted over the member's folder in a mount
 * namespace of the run. Nobody else sees the mounts. However this process ends, they end with the last process in that
 * namespace, and their loop devices with them.
 */

import {
  closeSync,
  existsSync,
  fsyncSync,
  openSync,
  readdirSync,
  readlinkSync,
  rmSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { release } from 'node:os';
import { delimiter, join } from 'node:path';
import { OperatingError, UsageError } from '../../src/core/errors.ts';
import { makeFoldersSync } from '../../src/core/folder.ts';
import { type Child, howEnded } from '../../src/fleet/child.ts';
import { runToEnd } from '../../src/fleet/run-to-end.ts';
import { shutDownFileSystem, unsyncedBytes } from '../../src/hash/file-system.ts';
import { isExecutable } from './binaries.ts';
import { holdNamespace } from './namespace.ts';

/** The file is sparse: only what was written takes place. */
const DISK_SIZE = '2G';
const MAKE_PROGRAM = 'mkfs.ext4';
/** A small journal and few inodes: all of it is made at once, so that nothing is written later but by the member. */
const MAKE = ['-q', '-F', '-N', '4096', '-J', 'size=16', '-E', 'nodiscard,lazy_itable_init=0,lazy_journal_init=0'];
/** Was synced when the disk was made. It must survive every cut. */
const SYNCED = 'synced-before';
/** Is written right before a cut, and never synced. It must be gone after it. */
const UNSYNCED = 'unsynced-at-the-cut';
const PAGE = Buffer.alloc(4096, 0x78);

export class Disks {
  readonly #holder: Child;
  /** By name, the folder over which the disk is mounted. */
  readonly #folders = new Map<string, string>();

  private constructor(holder: Child) {
    this.#holder = holder;
  }

  static async open(): Promise<Disks> {
    return new Disks(await holdNamespace(['--mount', '--propagation', 'private'], ['cat']));
  }

  /** Arguments before a program that run it where the disks are mounted, under the same process id. */
  get inside(): readonly string[] {
    return ['nsenter', '--target', String(this.#holder.pid), '--mount', '--'];
  }

  /** The path by which this process reaches what the members find at `path`. */
  seen(path: string): string {
    return join(`/proc/${this.#holder.pid}/root`, path);
  }

  /** Makes the disk of this name and mounts it. What is on it then is synced. */
  async add(name: string, folder: string): Promise<void> {
    makeFoldersSync(folder);
    await this.#run('truncate', '-s', DISK_SIZE, imageOf(folder));
    await this.#run(MAKE_PROGRAM, ...MAKE, imageOf(folder));
    this.#folders.set(name, folder);
    await this.mount(name);
    const file = openSync(join(this.seen(folder), SYNCED), 'w');
    writeSync(file, PAGE);
    fsyncSync(file);
    closeSync(file);
    await this.#run('sync', '-f', folder);
  }

  async mount(name: string): Promise<void> {
    const folder = this.#folderOf(name);
    await this.#run('mount', '-t', 'ext4', '-o', 'loop', imageOf(folder), folder);
  }

  /** No process may have a file of it open. */
  async unmount(name: string): Promise<void> {
    await this.#run('umount', this.#folderOf(name));
  }

  has(name: string): boolean {
    return this.#folders.has(name);
  }

  /** Paths of the disk's files, with those that the process has open and that have no name any more. */
  files(name: string, pid: number | null): string[] {
    const folder = this.seen(this.#folderOf(name));
    const entries = readdirSync(folder, { recursive: true, withFileTypes: true });
    const files = entries.filter((entry) => entry.isFile()).map((entry) => join(entry.parentPath, entry.name));
    return pid === null ? files : [...files, ...namelessFiles(pid, this.#folderOf(name))];
  }

  /** Bytes of these files that are in memory alone. A file that is gone has none. */
  unsyncedBytes(files: readonly string[]): number {
    return files.reduce((sum, path) => sum + bytesOf(path), 0);
  }

  /** Cuts the power of the disk. Nothing reaches it then, and every call on it fails until it is mounted anew. */
  cut(name: string): void {
    const folder = this.seen(this.#folderOf(name));
    writeFileSync(join(folder, UNSYNCED), PAGE);
    shutDownFileSystem(folder);
  }

  /** Throws when the disk that was mounted after a cut has what was never synced, or lacks what was. */
  checkCut(name: string): void {
    const folder = this.seen(this.#folderOf(name));
    if (existsSync(join(folder, UNSYNCED))) throw failed(`the disk of ${name} kept what was not synced at its cut`);
    if (!existsSync(join(folder, SYNCED))) throw failed(`the disk of ${name} lost what was synced before its cut`);
  }

  /** The mounts end with the last process of a member. The files stay, with the rest of the data. */
  close(): void {
    this.#holder.kill('SIGKILL');
  }

  #folderOf(name: string): string {
    const folder = this.#folders.get(name);
    if (folder === undefined) throw new OperatingError('ERR_MEMBER', `the cluster has no disk of ${name}`);
    return folder;
  }

  async #run(...words: string[]): Promise<void> {
    const end = await runToEnd({ argv: [...this.inside, ...words], output: 'keep' });
    if (end.code === 0) return;
    const [why = ''] = end.said.trim().split('\n');
    throw failed(`${words.join(' ')}: ${why === '' ? howEnded(end) : why}`);
  }
}

/** What this machine lacks of what a disk needs, as far as it is to be seen without one; null: nothing. */
export function missingForDisks(): string | null {
  if (process.getuid?.() !== 0) return 'power cuts need root';
  if (!existsSync('/dev/loop-control')) return 'power cuts need loop devices';
  if (!hasMake()) return 'power cuts need the program mkfs.ext4 (e2fsprogs)';
  const [major = 0, minor = 0] = release().split('.').map(Number);
  return major > 6 || (major === 6 && minor >= 5) ? null : `power cuts need Linux 6.5, and this is ${release()}`;
}

function hasMake(): boolean {
  const folders = [...(process.env['PATH'] ?? '').split(delimiter), '/usr/sbin', '/sbin'];
  return folders.some((folder) => isExecutable(join(folder, MAKE_PROGRAM)));
}

/** Throws a UsageError where no disk can be made, cut and mounted again. */
export async function checkDisks(folder: string): Promise<void> {
  const missing = missingForDisks();
  if (missing !== null) throw new UsageError(missing);
  let disks: Disks | null = null;
  const name = 'probe';
  const place = join(folder, name);
  try {
    disks = await Disks.open();
    await disks.add(name, place);
    disks.unsyncedBytes(disks.files(name, null));
    disks.cut(name);
    await disks.unmount(name);
    await disks.mount(name);
    disks.checkCut(name);
    await disks.unmount(name);
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new UsageError(`the power of a disk cannot be cut here: ${why}`, { cause: error });
  } finally {
    disks?.close();
    for (const path of [place, imageOf(place)]) rmSync(path, { recursive: true, force: true });
  }
}

function imageOf(folder: string): string {
  return `${folder}.disk`;
}

/** The file may have been removed meanwhile. */
function bytesOf(path: string): number {
  try {
    return unsyncedBytes(path);
  } catch (error) {
    if ((error as { code?: unknown }).code === 'ENOENT') return 0;
    throw error;
  }
}

/** Paths of the files below a folder that a process has open, and that were removed. */
function namelessFiles(pid: number, folder: string): string[] {
  const descriptors = `/proc/${pid}/fd`;
  const found: string[] = [];
  try {
    for (const descriptor of readdirSync(descriptors)) {
      const path = join(descriptors, descriptor);
      const target = targetOf(path);
      if (target.startsWith(`${folder}/`) && target.endsWith(' (deleted)')) found.push(path);
    }
  } catch (error) {
    if ((error as { code?: unknown }).code !== 'ENOENT') throw error;
  }
  return found;
}

/** Of a descriptor; empty when it was closed meanwhile. */
function targetOf(path: string): string {
  try {
    return readlinkSync(path);
  } catch {
    return '';
  }
}

function failed(what: string): OperatingError {
  return new OperatingError('ERR_POWER_CUT', what);
}
