/**
 * Stacks whose lines name the TypeScript sources: frames of compiled files are looked up in the source maps beside
 * them.
 */

import { existsSync, readFileSync } from 'node:fs';
import { SourceMap, type SourceMapPayload } from 'node:module';
import { dirname, relative, resolve } from 'node:path';

const FRAME = /(?:file:\/\/)?(?<path>\/[^\s()]+\.js):(?<line>\d+):(?<column>\d+)/g;

/** `root`: sources are named relative to it. A frame without a source map stays as it is. */
export function mappedStack(stack: string, root: string): string {
  return stack.replaceAll(FRAME, (frame: string, ...groups: unknown[]) => {
    const { path = '', line = '', column = '' } = groups.at(-1) as Record<string, string>;
    const entry = mapOf(path)?.findEntry(Number(line) - 1, Number(column) - 1);
    if (entry === undefined || !('originalSource' in entry)) return frame;
    const source = relative(root, resolve(dirname(path), entry.originalSource));
    return `${source}:${entry.originalLine + 1}:${entry.originalColumn + 1}`;
  });
}

const maps = new Map<string, SourceMap | null>();

function mapOf(path: string): SourceMap | null {
  const known = maps.get(path);
  if (known !== undefined) return known;
  const file = `${path}.map`;
  const map = existsSync(file) ? new SourceMap(JSON.parse(readFileSync(file, 'utf8')) as SourceMapPayload) : null;
  maps.set(path, map);
  return map;
}
