/**
 * Tests run from the compiled tree, one process a file, because they open LMDB environments and sockets and kill
 * processes. `timeout` ends a run in which nothing ends any more. What a test waits for has a deadline of its own, far
 * below that.
 *
 * Two files run at a time: with three, the processes of pipelines wait for each other on two cores. Folders with long
 * files come first, so that no long file is left for the end.
 */
const LONGEST_FIRST = ['/dist/test/', '/dist/soak/', '/dist/bench/'];

function rank(path) {
  const found = LONGEST_FIRST.findIndex((folder) => path.replaceAll('\\', '/').includes(folder));
  return found === -1 ? LONGEST_FIRST.length : found;
}

export default {
  files: ['dist/**/*.test.js', 'scripts/*.test.js'],
  workerThreads: false,
  concurrency: 2,
  sortTestFiles: (one, other) => rank(one) - rank(other) || (one < other ? -1 : 1),
  timeout: '15m',
  failFast: false,
};
