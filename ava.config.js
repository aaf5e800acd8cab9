/** Tests run from the compiled tree, one process a file, because they open LMDB environments and sockets and kill processes. */
export default {
  files: ['dist/**/*.test.js'],
  workerThreads: false,
  concurrency: 2,
  timeout: '120s',
  failFast: false,
};
