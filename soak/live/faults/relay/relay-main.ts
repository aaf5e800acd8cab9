/**
 * The relay as a process: `node relay-main.js`. It carries all links of a run, obeys its stdin, and ends when stdin
 * ends. It is a separate process so that a busy harness delays no byte, and so that its cost can be measured.
 */

import { LineSplitter } from '../../../../src/component/channel.ts';
import { systemClock } from '../../../../src/core/clock.ts';
import { OperatingError } from '../../../../src/core/errors.ts';
import { RelayLink } from './link.ts';
import { decodeRelayCommand, encodeLine, type RelayCommand } from './relay-protocol.ts';

const links = new Map<string, RelayLink>();

function linkOf(name: string): RelayLink {
  const link = links.get(name);
  if (link === undefined) throw new OperatingError('ERR_RELAY', `there is no link ${name}`);
  return link;
}

/** Performs the command, and returns the links that it concerned. */
async function perform(command: RelayCommand): Promise<readonly string[]> {
  switch (command.command) {
    case 'open': {
      const { link: name, listen, broker } = command;
      const link = new RelayLink({ name, listen, broker, clock: systemClock });
      await link.open();
      links.set(name, link);
      return [name];
    }
    case 'set':
      await Promise.all(command.settings.map(({ link, mode, seed }) => linkOf(link).set(mode, seed)));
      return command.settings.map(({ link }) => link);
    case 'counters':
      return command.links;
    default:
      return command satisfies never;
  }
}

async function answer(command: RelayCommand): Promise<void> {
  const { id } = command;
  try {
    const names = await perform(command);
    process.stdout.write(encodeLine({ id, counters: names.map((name) => linkOf(name).counters) }));
  } catch (error) {
    if (!(error instanceof OperatingError)) throw error;
    process.stdout.write(encodeLine({ id, error: error.message }));
  }
}

const splitter = new LineSplitter();
// The harness has died, or wants no more: there is nothing left to relay.
const end = (): void => process.exit(0);
process.stdin.on('end', end);
process.stdin.on('error', end);
process.stdout.on('error', end);
process.stdin.on('data', (bytes: Buffer) => {
  for (const line of splitter.push(bytes)) {
    const command = decodeRelayCommand(line);
    if (command === null) throw new OperatingError('ERR_RELAY', `not a command of a relay: ${line}`);
    void answer(command);
  }
});
