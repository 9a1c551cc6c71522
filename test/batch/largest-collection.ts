// Shows whether something is kept for each record, without measuring memory.

type Collection = Map<unknown, unknown> | Set<unknown>

/** Runs a function. @returns the size, at its end, of the largest `Map` or `Set` that something was added to */
export function largestCollection(run: () => unknown): number {
  const collections = new Set<Collection>()
  const [{ set }, { add }] = [Map.prototype, Set.prototype]
  const watch = (collection: Collection) => add.call(collections, collection)
  Map.prototype.set = function (this: Map<unknown, unknown>, key: unknown, value: unknown) {
    watch(this)
    return set.call(this, key, value)
  }
  Set.prototype.add = function (this: Set<unknown>, value: unknown) {
    watch(this)
    return add.call(this, value)
  }
  try {
    run()
  } finally {
    Map.prototype.set = set
    Set.prototype.add = add
  }
  return Math.max(0, ...[...collections].map(({ size }) => size))
}
