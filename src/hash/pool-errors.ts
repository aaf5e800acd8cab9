// Why a pool cannot be used now.

/** An asynchronous fold has not ended. */
export class PoolBusyError extends Error {
  readonly code: string = 'ERR_POOL_BUSY';
}

/** The pool was closed. */
export class PoolClosedError extends Error {
  readonly code: string = 'ERR_POOL_CLOSED';
}
