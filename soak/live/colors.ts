/** The colors of a soak's lines. Whether there are any is decided once, from the environment and the stream. */

import { styleText } from 'node:util';

/** What kind of line it is, which decides its color. */
export type Tone =
  | 'plain'
  | 'minor'
  | 'phase'
  | 'injected'
  | 'proven'
  | 'healed'
  | 'recovered'
  | 'bad'
  | 'good'
  | 'doubt';

export type Paint = (tone: Tone, text: string) => string;

const STYLES = {
  minor: 'gray',
  phase: 'bold',
  injected: 'yellow',
  proven: 'magenta',
  healed: 'cyan',
  recovered: 'green',
  bad: ['red', 'bold'],
  good: ['green', 'bold'],
  doubt: ['yellow', 'bold'],
} as const satisfies Record<Exclude<Tone, 'plain'>, unknown>;

export const noColors: Paint = (_, text) => text;

const withColors: Paint = (tone, text) => {
  if (tone === 'plain' || text === '') return text;
  const style = STYLES[tone];
  // This is decided here and not by the stream, because versions of Node differ.
  return styleText(typeof style === 'string' ? style : [...style], text, { validateStream: false });
};

/**
 * A NO_COLOR that is not empty means no colors, whatever else is set. FORCE_COLOR means colors even in a file, and
 * FORCE_COLOR=0 none. Otherwise a terminal has colors unless it is dumb.
 */
export function paintFor(
  stream: { readonly isTTY?: boolean },
  environment: Readonly<Record<string, string | undefined>>,
): Paint {
  const { NO_COLOR: none = '', FORCE_COLOR: forced, TERM: terminal } = environment;
  if (none !== '') return noColors;
  if (forced !== undefined) return forced === '0' || forced === 'false' ? noColors : withColors;
  return stream.isTTY === true && terminal !== 'dumb' ? withColors : noColors;
}
