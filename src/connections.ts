// Connections: those of one server that are not over, by id.
//
// Entries that come and go make a `Map` take a new table now and then, and V8 has the table before refer to it. Once one
// of them has grown old, all that follow outlive the quick collections of young objects, and with them whatever they hold:
// connections that were long over, with their sockets, were copied and kept until the next full collection, which was
// half of the CPU time of an opening beside its system calls. So the map holds places, and a place is emptied when its
// connection is over (docs/adr/0022-nothing-keeps-what-is-over.md).

interface Place<Value> {
  value: Value | undefined
}

/** A map that keeps nothing alive of what was taken out of it. To its readers it is a `ReadonlyMap`. */
export class Connections<Value extends object> implements ReadonlyMap<string, Value> {
  readonly #places = new Map<string, Place<Value>>()

  get size(): number {
    return this.#places.size
  }

  get [Symbol.toStringTag](): string {
    return 'Connections'
  }

  add(id: string, value: Value): void {
    this.#places.set(id, { value })
  }

  delete(id: string): void {
    const place = this.#places.get(id)
    if (place === undefined) return
    place.value = undefined
    this.#places.delete(id)
  }

  get(id: string): Value | undefined {
    return this.#places.get(id)?.value
  }

  has(id: string): boolean {
    return this.#places.has(id)
  }

  keys(): MapIterator<string> {
    return this.#places.keys()
  }

  *values(): MapIterator<Value> {
    for (const { value } of this.#places.values()) if (value !== undefined) yield value
  }

  *entries(): MapIterator<[string, Value]> {
    for (const [id, { value }] of this.#places) if (value !== undefined) yield [id, value]
  }

  [Symbol.iterator](): MapIterator<[string, Value]> {
    return this.entries()
  }

  forEach(
    each: (value: Value, id: string, all: ReadonlyMap<string, Value>) => void,
    self?: unknown,
  ): void {
    for (const [id, value] of this.entries()) each.call(self, value, id, this)
  }

  /** As a `Map` shows itself, in a console. */
  [Symbol.for('nodejs.util.inspect.custom')](): ReadonlyMap<string, Value> {
    return new Map(this)
  }
}
