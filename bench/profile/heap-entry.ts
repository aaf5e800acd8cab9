/**
 * A component under clinic's heap profiler. The profiler writes its profile when the process is interrupted, which
 * takes a while, and the component's own exit would cut the file off. So the first exit interrupts the process, and the
 * profiler exits once it has written.
 */

const exit = process.exit.bind(process);
let isWriting = false;

function exitOnceWritten(code?: number | string | null): undefined {
  if (isWriting) return exit(code);
  isWriting = true;
  process.emit('SIGINT');
  return undefined;
}

process.exit = exitOnceWritten as typeof process.exit;
await import('../../src/cli/main.ts');
