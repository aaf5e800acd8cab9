import { EventEmitter } from 'node:events';
import test from 'ava';
import type { OperatingError } from '../core/errors.ts';
import { ComponentChannel } from './channel.ts';
import type { ComponentCommand } from './protocol.ts';

class Input extends EventEmitter {
  destroyed = false;
  destroy(): void {
    this.destroyed = true;
    this.emit('close');
  }
}
class Output extends EventEmitter {
  readonly lines: string[] = [];
  write(line: string): void {
    this.lines.push(line);
  }
}

function channelOf(supervised: boolean): {
  input: Input;
  output: Output;
  channel: ComponentChannel;
  commands: ComponentCommand[];
  lost: (OperatingError | undefined)[];
} {
  const input = new Input();
  const output = new Output();
  const received: ComponentCommand[] = [];
  const lost: (OperatingError | undefined)[] = [];
  const channel = new ComponentChannel({
    input,
    output,
    supervised,
    onCommand: (command) => received.push(command),
    onParentLost: (error) => lost.push(error),
  });
  return { input, output, channel, commands: received, lost };
}

test('a supervised channel hands on commands, and notices the death of its parent once', (t) => {
  const { input, commands: received, lost } = channelOf(true);
  input.emit('data', Buffer.from('{"command":"dr'));
  input.emit('data', Buffer.from('ain"}\n{"command":"progress"}\n'));
  t.deepEqual(received, [{ command: 'drain' }, { command: 'progress' }]);
  input.emit('end');
  input.emit('close');
  input.emit('data', Buffer.from('{"command":"drain"}\n'));
  t.deepEqual(lost, [undefined]);
  t.is(received.length, 2);
});

test('a malformed command ends the channel with its error', (t) => {
  const { input, commands: received, lost } = channelOf(true);
  input.emit('data', Buffer.from('{"command":"dance"}\n{"command":"drain"}\n'));
  t.is(lost[0]?.code, 'ERR_PROTOCOL_LINE');
  t.deepEqual(received, []);
});

test('by hand only the events for a person are printed, and stdin is left alone', (t) => {
  const { input, output, channel } = channelOf(false);
  t.is(input.listenerCount('data'), 0);
  channel.emit({ event: 'recovered', fault: 1, partition: 0, intendedNs: 1, verifiedNs: 2 });
  channel.emit({ event: 'stopped', reason: 'SIGTERM' });
  channel.close();
  t.deepEqual(output.lines, ['{"event":"stopped","reason":"SIGTERM"}\n']);
  t.false(input.destroyed);
});

test('closing a supervised channel is not the death of the parent', (t) => {
  const { input, channel, lost } = channelOf(true);
  channel.close();
  t.true(input.destroyed);
  t.deepEqual(lost, []);
});
