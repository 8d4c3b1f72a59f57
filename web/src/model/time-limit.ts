// Waits that have an end.

/** What the work gives, or `otherwise` if it takes too long. */
export function within<Value>(ms: number, work: Promise<Value>, otherwise: Value): Promise<Value> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => resolve(otherwise), ms);
    work.then(resolve, reject).finally(() => clearTimeout(timer));
  });
}
