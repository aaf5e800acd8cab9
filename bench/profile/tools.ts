/**
 * The profilers: clinic's four, and Node's own two, for where clinic fails on the Node in use.
 *
 * Clinic works only when stdin is closed and its usage statistics are off (`NO_INSIGHT`). Otherwise it exits with 0
 * without having done anything. Source: clinic 13.0.0 on Node 20.
 */

import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { COMPONENT_ENVIRONMENT } from '../../src/fleet/component-process.ts';

export const TOOLS = ['doctor', 'flame', 'bubbleprof', 'heap', 'cpu-prof', 'heap-prof'] as const;
export type Tool = (typeof TOOLS)[number];

/** Node's own profilers, which need nothing, as replacements for clinic's. */
const WAY_OUT: Readonly<Record<Tool, Tool>> = {
  doctor: 'cpu-prof',
  flame: 'cpu-prof',
  bubbleprof: 'cpu-prof',
  heap: 'heap-prof',
  'cpu-prof': 'cpu-prof',
  'heap-prof': 'heap-prof',
};

export type Profiled = {
  readonly argv: readonly string[];
  readonly environment: Readonly<Record<string, string>>;
  /** The ending of the file that the profiler leaves in its folder. */
  readonly leaves: '.html' | '.cpuprofile' | '.heapprofile';
};

const MAIN = fileURLToPath(new URL('../../src/cli/main.js', import.meta.url));
const HEAP_ENTRY = fileURLToPath(new URL('heap-entry.js', import.meta.url));

export function isClinic(tool: Tool): boolean {
  return WAY_OUT[tool] !== tool;
}

export function wayOut(tool: Tool): Tool {
  return WAY_OUT[tool];
}

/** How a component is started; without a profiler when `tool` is null. The profiler writes to `folder`. */
export function launchOf(component: readonly string[], tool: Tool | null, folder: string): Profiled {
  if (tool === null)
    return { argv: [process.execPath, MAIN, ...component], environment: COMPONENT_ENVIRONMENT, leaves: '.html' };
  if (tool === 'cpu-prof' || tool === 'heap-prof') {
    return {
      argv: [process.execPath, `--${tool}`, `--${tool}-dir=${folder}`, MAIN, ...component],
      environment: COMPONENT_ENVIRONMENT,
      leaves: tool === 'cpu-prof' ? '.cpuprofile' : '.heapprofile',
    };
  }
  const command = tool === 'heap' ? 'heapprofiler' : tool;
  const entry = tool === 'heap' ? HEAP_ENTRY : MAIN;
  return {
    argv: [
      process.execPath,
      clinicMain(),
      command,
      '--dest',
      folder,
      '--open=false',
      '--',
      process.execPath,
      entry,
      ...component,
    ],
    environment: { ...COMPONENT_ENVIRONMENT, NO_INSIGHT: '1', NO_UPDATE_NOTIFIER: '1' },
    leaves: '.html',
  };
}

function clinicMain(): string {
  const require = createRequire(import.meta.url);
  return join(dirname(require.resolve('clinic/package.json')), 'bin.js');
}
