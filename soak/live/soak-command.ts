/** `stream-sum soak`: flags and composition only. */

import { writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type Command, Option } from 'commander';
import { makeCommand } from '../../src/component/flags.ts';
import { systemClock } from '../../src/core/clock.ts';
import { EXIT } from '../../src/core/errors.ts';
import { checkWritable, reasonOf } from '../../src/core/folder.ts';
import { type NativeVersions, packageVersion } from '../../src/results/environment.ts';
import { componentLaunch } from '../../src/fleet/component-process.ts';
import { onInterrupt } from '../../src/fleet/interrupt.ts';
import { createDisplay } from './display.ts';
import type { StartEngine } from './engine.ts';
import { junitXml } from './junit.ts';
import { type OlderBuild, olderBuild } from './older-build.ts';
import { parseSoakOptions, SOAK_OPTION_DEFINITIONS, type SoakOptionTexts } from './options.ts';
import { type Report, type SoakDependencies, runSoak } from './run.ts';
import { verdictDocument } from './verdict-document.ts';
import type { Audit, Connect } from './audit/end-audit.ts';

/** Parts of the command that only some layers may import. */
export type SoakComposition = {
  /** libzmq's version and the addon's backend, from the modules that load them. */
  readonly versions?: () => Partial<NativeVersions>;
  readonly audit?: Audit;
  /** Opens a connection for the auditor. */
  readonly connect?: Connect;
  /** Starts or finds a cluster. */
  readonly startEngine?: StartEngine;
  /** Writes the report of a run whose folder is complete; one line about it. */
  readonly report?: Report;
  /** Runs this very command as root of its own network, for a user who is not root, and gives its exit code. */
  readonly runAsRoot?: () => Promise<number>;
};

/** `dist/soak/live/` is three folders below the root of the package. */
const SOURCE_ROOT = fileURLToPath(new URL('../../..', import.meta.url));
const MAIN = join(dirname(fileURLToPath(import.meta.url)), '../../src/cli/main.js');

export function soakCommand(composition: SoakComposition = {}): Command {
  const command = makeCommand(
    'soak',
    'Run the whole pipeline as processes, kill them, and judge whether every sum still came out right.',
  );
  for (const [flags, description, defaultText] of SOAK_OPTION_DEFINITIONS) {
    const option = new Option(flags, description);
    if (flags.startsWith('--expect ')) option.argParser((text: string, before?: string[]) => [...(before ?? []), text]);
    command.addOption(defaultText === undefined ? option : option.default(defaultText, defaultText));
  }
  return command.action(async (texts: SoakOptionTexts) => {
    const options = parseSoakOptions(texts);
    const { runAsRoot } = composition;
    // A cluster that the soak starts has its own network.
    if (options.cluster?.place === null && process.getuid?.() !== 0 && runAsRoot !== undefined) {
      process.exitCode = await runAsRoot();
      return;
    }
    const isJson = texts['json'] === true;
    const junit = typeof texts['junit'] === 'string' ? texts['junit'] : null;
    if (junit !== null) checkWritable('--junit', junit);
    // stdout is for the document alone.
    const stream = isJson ? process.stderr : process.stdout;
    const display = createDisplay(stream);
    const columns = (): number | undefined => (stream.isTTY ? stream.columns : undefined);
    const { upgradeFrom } = options;
    const older = upgradeFrom === null ? null : await builtBefore(upgradeFrom, (line) => display.say(line));
    try {
      const dependencies = { ...dependenciesOf(composition), display, columns, ...(older === null ? {} : { older }) };
      const { exitCode, told } = await runSoak(options, dependencies);
      process.exitCode = exitCode;
      if (isJson) process.stdout.write(`${JSON.stringify(verdictDocument(told), null, 2)}\n`);
      if (junit !== null && !writeJunit(junit, junitXml(told))) process.exitCode = exitCode || EXIT.internal;
    } finally {
      await older?.remove();
    }
  });
}

function dependenciesOf(composition: SoakComposition): Omit<SoakDependencies, 'display'> {
  return {
    launch: componentLaunch(MAIN),
    clock: systemClock,
    versions: {
      zeromq: packageVersion('zeromq', import.meta.url),
      libzmq: null,
      lmdb: packageVersion('lmdb', import.meta.url),
      addonBackend: null,
      ...composition.versions?.(),
    },
    sourceRoot: SOURCE_ROOT,
    commandLine: process.argv.slice(2),
    audit: composition.audit ?? null,
    connect: composition.connect ?? null,
    startEngine: composition.startEngine ?? null,
    report: composition.report ?? null,
    onInterrupt,
  };
}

/** Ctrl-C ends the building. */
async function builtBefore(from: string, say: (line: string) => void): Promise<OlderBuild> {
  const interrupted = new AbortController();
  const release = onInterrupt(() => interrupted.abort());
  try {
    return await olderBuild({ from, sourceRoot: SOURCE_ROOT, say, signal: interrupted.signal });
  } finally {
    release();
  }
}

/** False, after one line on stderr, where it cannot be written. */
function writeJunit(path: string, xml: string): boolean {
  try {
    writeFileSync(path, xml);
    return true;
  } catch (error) {
    process.stderr.write(`--junit ${path}: cannot be written: ${reasonOf(error)}\n`);
    return false;
  }
}
