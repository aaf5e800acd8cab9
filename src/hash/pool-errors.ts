// Why a pool cannot be used now.

/** The pool was closed. */
export class PoolClosedError extends Error {
  readonly code: string = 'ERR_POOL_CLOSED';
}
