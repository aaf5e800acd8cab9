/** The build with which a soak begins: `--upgrade-from` names a commit of this repository, or the folder of a build. */

import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { type Launch, componentLaunch } from '../../src/fleet/component-process.ts';
import { readCommit } from '../../src/results/repository.ts';
import { buildWorktree } from '../../src/worktree/worktree.ts';

export type OlderBuild = {
  readonly launch: Launch;
  /** Null when it is not known. */
  readonly commit: string | null;
  /** Removes what was built for it. */
  remove(): Promise<void>;
};

const FLAG = '--upgrade-from';
/** Of a build, in its folder. */
const MAIN = 'dist/src/cli/main.js';

/** Takes minutes for a commit. Throws, and leaves nothing, when it cannot be built. */
export async function olderBuild(options: {
  /** A folder that holds a build, or else the name of a commit. */
  readonly from: string;
  readonly sourceRoot: string;
  readonly say: (line: string) => void;
  readonly signal: AbortSignal;
}): Promise<OlderBuild> {
  const { from, sourceRoot, say, signal } = options;
  if (existsSync(join(from, MAIN))) {
    const { commit } = await readCommit(from);
    return { launch: componentLaunch(resolve(from, MAIN)), commit, remove: () => Promise.resolve() };
  }
  const scratch = await mkdtemp(join(tmpdir(), 'stream-sum-upgrade-'));
  try {
    say(`soak: checking out and building ${from}`);
    const logPath = join(scratch, 'log');
    const built = await buildWorktree({ sourceRoot, ref: from, flag: FLAG, logPath, signal });
    const { mainPath, commit } = built;
    say(`soak: ${from} is ${commit}`);
    return { launch: componentLaunch(mainPath), commit, remove: () => built.remove() };
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
}
