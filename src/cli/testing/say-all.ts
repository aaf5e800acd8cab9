/**
 * Runs many command lines in one process, by the functions that `main.ts` uses. Arguments: one JSON text, the command
 * lines. Prints a line of JSON for each: what it wrote on stdout, its line on stderr, and its exit code.
 *
 * For command lines that only print or are refused: what else one leaves behind, the next one meets.
 */

import { writeSync } from 'node:fs';
import { EXIT } from '../../core/errors.ts';
import { endingOf, runProgram } from '../program.ts';

const commandLines = JSON.parse(process.argv[2] ?? '') as readonly (readonly string[])[];

for (const argv of commandLines) {
  let stdout = '';
  process.stdout.write = (text: string | Uint8Array): boolean => {
    stdout += String(text);
    return true;
  };
  let ending: ReturnType<typeof endingOf> = { line: null, exitCode: EXIT.holds };
  try {
    await runProgram(argv);
  } catch (error) {
    ending = endingOf(error);
  }
  writeSync(1, `${JSON.stringify({ stdout, ...ending })}\n`);
}
process.exit();
