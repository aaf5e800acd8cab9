// Classes whose state lies where structuredClone and JSON do not look refuse both. A copy without the state would look
// like a copy with it.

class UncloneableError extends TypeError {
  readonly code: string = 'ERR_UNCLONEABLE';
}

/** The `toJSON` of such a class. */
export function refuseJson(name: string, instead: string): never {
  throw new UncloneableError(`a ${name} cannot be written as JSON; ${instead}`);
}

/**
 * An own property for such a class, because structuredClone looks at nothing else. Cloning reads the property of this
 * object, which throws a TypeError with the code ERR_UNCLONEABLE.
 */
export function uncloneable(name: string, instead: string): object {
  const refuse = (): never => {
    throw new UncloneableError(`a ${name} cannot be cloned; ${instead}`);
  };
  return Object.freeze(Object.defineProperty({}, 'state', { enumerable: true, get: refuse }));
}
