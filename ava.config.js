/**
 * Tests run from the compiled tree, one process a file, because they open LMDB environments and sockets and kill
 * processes. `timeout` ends a run in which nothing ends any more. What a test waits for has a deadline of its own, far
 * below that.
 */
export default {
  files: ['dist/**/*.test.js', 'scripts/*.test.js'],
  workerThreads: false,
  concurrency: 2,
  timeout: '15m',
  failFast: false,
};
