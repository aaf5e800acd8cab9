/**
 * The child's end of the component protocol: it sends events, receives commands, and notices the parent's death. It
 * never decides when to exit; the component does.
 */

import { StringDecoder } from 'node:string_decoder';
import { unreachable } from '../core/assert.ts';
import { OperatingError } from '../core/errors.ts';
import {
  type ComponentCommand,
  type ComponentEvent,
  decodeCommand,
  encodeEvent,
  LINE_LENGTH_MAX,
  malformed,
} from './protocol.ts';

/** Cuts a byte stream into lines. It holds at most one unfinished line of LINE_LENGTH_MAX. */
export class LineSplitter {
  readonly #decoder: StringDecoder = new StringDecoder('utf8');
  #rest = '';

  /** The lines that `bytes` completes. Throws OperatingError when a line grows too long. */
  push(bytes: Uint8Array): string[] {
    const lines = (this.#rest + this.#decoder.write(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length))).split(
      '\n',
    );
    this.#rest = lines.pop() ?? '';
    if (this.#rest.length > LINE_LENGTH_MAX) throw malformed(this.#rest, 'too long');
    return lines.filter((line) => line !== '');
  }
}

/** The part of a readable stream that the channel uses: process.stdin, or a stand-in in a test. */
export type ChannelInput = {
  on(event: 'data', listener: (bytes: Buffer) => void): unknown;
  on(event: 'end' | 'close', listener: () => void): unknown;
  on(event: 'error', listener: (error: Error) => void): unknown;
  destroy(): unknown;
};
/** What the channel needs of its output: a `DescriptorWriter`, or a stand-in in a test. `write` never throws. */
export type ChannelOutput = {
  write(line: string): unknown;
  on(event: 'error', listener: (error: Error) => void): unknown;
};

/**
 * The child's side. Without a supervisor it never touches stdin, prints only the events for a person, and does not mind
 * when nobody reads them.
 */
export class ComponentChannel {
  readonly #output: ChannelOutput;
  readonly #input: ChannelInput;
  readonly #supervised: boolean;
  #open = true;

  /**
   * `onParentLost` is called once, when stdin ends or a pipe fails (without an error), or when a command cannot be read
   * (with its error). The process must then exit at once, without a graceful end.
   */
  constructor(options: {
    readonly input: ChannelInput;
    readonly output: ChannelOutput;
    readonly supervised: boolean;
    readonly onCommand: (command: ComponentCommand) => void;
    readonly onParentLost: (error: OperatingError | undefined) => void;
  }) {
    const { input, output, supervised, onCommand, onParentLost } = options;
    this.#input = input;
    this.#output = output;
    this.#supervised = supervised;
    const lost = (error?: OperatingError): void => {
      if (!this.#open) return;
      this.#open = false;
      onParentLost(error);
    };
    if (!supervised) return;
    const splitter = new LineSplitter();
    output.on('error', () => lost());
    input.on('error', () => lost());
    input.on('end', () => lost());
    input.on('close', () => lost());
    input.on('data', (bytes) => {
      let commands: ComponentCommand[];
      try {
        commands = splitter.push(bytes).map(decodeCommand);
      } catch (error) {
        if (!(error instanceof OperatingError)) throw error;
        return lost(error);
      }
      for (const command of commands) if (this.#open) onCommand(command);
    });
  }

  emit(event: ComponentEvent): void {
    switch (event.event) {
      case 'ready':
      case 'violation':
      case 'drained':
      case 'stopped':
        this.#output.write(encodeEvent(event));
        return;
      case 'progress':
      case 'recovered':
      case 'ending':
        if (this.#supervised && this.#open) this.#output.write(encodeEvent(event));
        return;
      default:
        unreachable(event);
    }
  }

  /** Stops listening, so that stdin no longer keeps the process alive. */
  close(): void {
    if (!this.#open) return;
    this.#open = false;
    if (this.#supervised) this.#input.destroy();
  }
}
