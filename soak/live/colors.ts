/** Colors of what a soak says: whether there are any is decided once, by the environment and by where it is said. */

import { styleText } from 'node:util';

/** What is said, which decides its color. */
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
  // It is decided here and not by the stream: versions of Node differ in what they look at.
  return styleText(typeof style === 'string' ? style : [...style], text, { validateStream: false });
};

/**
 * NO_COLOR (not empty) means none, whatever else is said. FORCE_COLOR means colors even in a file, or with 0 none. Else
 * a terminal has colors if it is not a dumb one.
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
