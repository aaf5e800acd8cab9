/**
 * The protocol between the harness and its relay: one JSON object a line, commands on the relay's stdin, one answer for
 * each on its stdout, in any order. When stdin ends the relay ends, so it never outlives the harness.
 */

import { asRecord, isCount } from '../../../../src/core/assert.ts';
import { type LinkCounters, parseCounters } from './counters.ts';
import { type LinkMode, parseLinkMode } from './link-mode.ts';

export type LinkSetting = { readonly link: string; readonly mode: LinkMode; readonly seed: number };

export type RelayCommand =
  | {
      readonly id: number;
      readonly command: 'open';
      readonly link: string;
      readonly listen: string;
      readonly broker: string;
    }
  | { readonly id: number; readonly command: 'set'; readonly settings: readonly LinkSetting[] }
  | { readonly id: number; readonly command: 'counters'; readonly links: readonly string[] };

/** `error`: one line; then the command was not done, or only in part. */
export type RelayAnswer = { readonly id: number } & (
  | { readonly counters: readonly LinkCounters[] }
  | { readonly error: string }
);

/** One line with its line feed. */
export function encodeLine(value: RelayCommand | RelayAnswer): string {
  return `${JSON.stringify(value)}\n`;
}

/** Null when the line is not a command. */
export function decodeRelayCommand(line: string): RelayCommand | null {
  const fields = parsed(line);
  if (fields === null || !isCount(fields['id'])) return null;
  const { id } = fields as { id: number };
  const { command, link, listen, broker, settings, links } = fields;
  if (command === 'open') {
    if (typeof link !== 'string' || typeof listen !== 'string' || typeof broker !== 'string') return null;
    return { id, command, link, listen, broker };
  }
  if (command === 'counters') return areTexts(links) ? { id, command, links } : null;
  if (command !== 'set' || !Array.isArray(settings)) return null;
  const decoded = settings.map(decodeSetting);
  return decoded.includes(null) ? null : { id, command, settings: decoded.filter((setting) => setting !== null) };
}

/** Null when the line is not an answer. */
export function decodeRelayAnswer(line: string): RelayAnswer | null {
  const fields = parsed(line);
  if (fields === null || !isCount(fields['id'])) return null;
  const { id } = fields as { id: number };
  const { error, counters } = fields;
  if (typeof error === 'string') return { id, error };
  if (!Array.isArray(counters)) return null;
  const decoded = counters.map(parseCounters);
  return decoded.includes(null) ? null : { id, counters: decoded.filter((each) => each !== null) };
}

function decodeSetting(value: unknown): LinkSetting | null {
  const fields = asRecord(value);
  const mode = parseLinkMode(fields?.['mode']);
  const { link, seed } = (fields ?? {}) as { link?: unknown; seed?: unknown };
  return mode !== null && typeof link === 'string' && isCount(seed) ? { link, mode, seed } : null;
}

function areTexts(value: unknown): value is readonly string[] {
  return Array.isArray(value) && value.every((each) => typeof each === 'string');
}

function parsed(line: string): Record<string, unknown> | null {
  try {
    return asRecord(JSON.parse(line));
  } catch {
    return null;
  }
}
