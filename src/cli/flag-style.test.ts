/**
 * One style for the flags of all commands: the same thing has one name, one placeholder and one description, and help
 * shows defaults as a user would type them.
 */

import test from 'ava';
import type { Command, Option } from 'commander';
import { parseSoakOptions } from '../../soak/live/options.ts';
import { COMMANDS } from './commands.ts';

/** What may stand between `<` and `>`, besides the names of a choice such as `ipc|tcp`. */
const PLACEHOLDERS: ReadonlySet<string> = new Set([
  'n',
  'n|max',
  'n|fresh',
  'n|a..b',
  'n|address',
  'size',
  'size|a..b',
  'time',
  'percent',
  'folder',
  'file',
  'endpoint',
  'address',
  'port',
  'bound',
  'name',
  'name...',
  'id',
  'ref',
  'run',
  'list',
  'list|all|none',
  'pattern|percent',
  'descriptor',
]);
const CHOICE = /^[a-z][a-z\d]*(?:\|[a-z][a-z\d]*)+$/;

/** Flags that mean another thing in another command, and so may look different there. */
const DIFFERENT: Readonly<Record<string, readonly string[]>> = {
  '--seed': ['n', 'n|fresh'],
  '--partitions': ['n', 'list'],
  '--etcd': ['n', 'address', 'n|address'],
  '--format': ['table|markdown|csv|json', 'text|markdown'],
};
/** Flags of several commands that mean the same thing in each. */
const SHARED = ['--connect', '--supervised', '--results', '--jobs', '--bin'];

type Named = { readonly path: string; readonly option: Option; readonly command: Command };

async function everyOption(): Promise<Named[]> {
  const commands: { readonly path: string; readonly command: Command }[] = [];
  for (const [name, { load }] of Object.entries(COMMANDS)) {
    const command = await load();
    commands.push({ path: name, command });
    for (const sub of command.commands) commands.push({ path: `${name} ${sub.name()}`, command: sub });
  }
  return commands.flatMap(({ path, command }) =>
    command.options.filter(({ hidden }) => !hidden).map((option) => ({ path, option, command })),
  );
}

/** The text between the brackets of `--flag <n>` or `--flag [n]`; null for a flag without a value. */
function placeholderOf({ flags }: Option): string | null {
  return /[<[](.*)[>\]]$/.exec(flags)?.[1] ?? null;
}

/** The parser of an option's text; commander's type asks for a value before it, too. */
function parserOf({ parseArg }: Option): ((text: string) => unknown) | undefined {
  return parseArg as ((text: string) => unknown) | undefined;
}

test('every value has a placeholder of the one set, or names its choices', async (t) => {
  const options = await everyOption();
  t.true(options.length > 50);
  for (const { path, option } of options) {
    const placeholder = placeholderOf(option);
    if (placeholder === null || PLACEHOLDERS.has(placeholder)) continue;
    t.regex(placeholder, CHOICE, `${path} ${option.flags}`);
    for (const name of placeholder.split('|')) {
      t.is(parserOf(option)?.(name) ?? name, name, `${path} ${option.flags}`);
    }
  }
});

test('a flag of several commands has one placeholder, and a shared flag one description', async (t) => {
  const seen = new Map<string, Named>();
  for (const named of await everyOption()) {
    const { path, option } = named;
    const flag = option.long ?? option.flags;
    const first = seen.get(flag);
    if (first === undefined) {
      seen.set(flag, named);
      continue;
    }
    const allowed = DIFFERENT[flag] ?? [placeholderOf(first.option) ?? ''];
    t.true(
      allowed.includes(placeholderOf(option) ?? ''),
      `${path} ${option.flags}, but ${first.path} ${first.option.flags}`,
    );
    const [one, other] = [first.option, option].map(({ description }) => description.replace(/^with --[a-z]+: /, ''));
    if (SHARED.includes(flag)) t.is(other, one, `${path} ${flag}`);
  }
});

test('descriptions begin with a small letter and have no full stop', async (t) => {
  for (const { path, option } of await everyOption()) {
    t.regex(option.description, /^[a-z].*[^.]$/, `${path} ${option.flags}`);
  }
});

test('a command is described by a sentence, and listed by a clause', async (t) => {
  for (const [name, { summary, load }] of Object.entries(COMMANDS)) {
    t.regex(summary, /^[a-z].*[^.]$/, name);
    const command = await load();
    for (const each of [command, ...command.commands])
      t.regex(each.description(), /^[A-Z].*\.$/, `${name}: ${each.name()}`);
    for (const sub of command.commands) t.regex(sub.summary(), /^[a-z].*[^.]$/, `${name} ${sub.name()}`);
  }
});

test('a default is what a user would type: its own parser reads it', async (t) => {
  let parsed = 0;
  for (const { path, option } of await everyOption()) {
    const { defaultValue, defaultValueDescription } = option;
    const parse = parserOf(option);
    if (defaultValue === undefined || option.optional) continue;
    t.is(typeof (defaultValueDescription ?? defaultValue), 'string', `${path} ${option.flags}`);
    if (parse === undefined) continue;
    t.deepEqual(parse(defaultValueDescription ?? ''), defaultValue, `${path} ${option.flags}`);
    parsed += 1;
  }
  t.true(parsed > 20);
});

test('a soak reads the defaults of its own help', async (t) => {
  const soak = await COMMANDS['soak']?.load();
  const defaults = soak?.opts<Record<string, unknown>>() ?? {};
  t.is(defaults['duration'], '60s');
  t.is(parseSoakOptions({ ...defaults, seed: '1' }).durationMs, 60_000);
});
