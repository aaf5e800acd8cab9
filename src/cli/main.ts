#!/usr/bin/env node
/** The process `stream-sum <command>`: runs the program, and ends with its one line and its exit code. */

import { DescriptorWriter } from '../component/descriptor-writer.ts';
import { exitProcess, leaveLostTerminals } from '../component/process-end.ts';
import { type Ending, endingOf, runProgram } from './program.ts';

const STDERR = 2;
const LAST_LINE_BYTES_MAX = 1024 * 1024;
/** How long the last line may wait for its reader. */
const FLUSH_MS = 1_000;

// The reader of the output may go at any time: a closed pipe, a lost terminal, a full disk. The command does its work
// all the same, and keeps its exit code.
for (const stream of [process.stdout, process.stderr]) stream.on('error', () => undefined);
process.on('exit', leaveLostTerminals);
try {
  await runProgram(process.argv.slice(2));
} catch (error) {
  end(endingOf(error));
}

/** Writes the line on stderr, if there is one, and ends with the exit code, whatever becomes of the line. */
function end({ line, exitCode }: Ending): void {
  if (line !== null) {
    const stderr = new DescriptorWriter({ descriptor: STDERR, pendingBytesMax: LAST_LINE_BYTES_MAX });
    stderr.write(`stream-sum: ${line}\n`);
    stderr.flush(FLUSH_MS);
  }
  exitProcess(exitCode);
}
