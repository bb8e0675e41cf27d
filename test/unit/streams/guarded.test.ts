import { map, of, Subject, throwError } from 'rxjs'
import { describe, expect, it } from 'vitest'
import { WebSocketClosedError } from 'windsock'
import { GuardedObservable } from '../../../src/streams/guarded.ts'

function guarded<T>(source: { subscribe: Subject<T>['subscribe'] }) {
  const reported: unknown[] = []
  const guard = { fail: (thrown: unknown) => void reported.push(thrown) }
  const guard$ = new GuardedObservable<T>(guard, (subscriber) => source.subscribe(subscriber))
  return { guard$, reported }
}
const boom = (what: string) => () => {
  throw new Error(what)
}

describe('a guarded observable', () => {
  it('reports what next, error and complete throw', () => {
    const first = guarded(of(1))
    first.guard$.subscribe({ next: boom('next'), complete: boom('complete') })
    expect(first.reported).toEqual([new Error('next'), new Error('complete')])
    const second = guarded(throwError(() => 'x'))
    second.guard$.subscribe({ error: boom('error') })
    expect(second.reported).toEqual([new Error('error')])
  })

  it('reports what an async subscriber rejects with, and not that its connection has closed', async () => {
    const { guard$, reported } = guarded(of(1, 2))
    let turn = 0
    // oxlint-disable-next-line typescript/no-misused-promises -- users do it, and it is what is tried here
    guard$.subscribe(async () => {
      if (++turn === 1) throw new WebSocketClosedError()
      throw new Error('late')
    })
    guard$.subscribe(() => 'no promise')
    expect(reported).toEqual([])
    await new Promise((resolve) => setImmediate(resolve))
    expect(reported).toEqual([new Error('late')])
  })

  it('reports an error that nobody observes', () => {
    const { guard$, reported } = guarded(throwError(() => 'unseen'))
    guard$.subscribe(() => {})
    guard$.subscribe()
    expect(reported).toEqual(['unseen', 'unseen'])
  })

  it('takes callbacks one by one, as RxJS does', () => {
    const seen: unknown[] = []
    const ends = guarded(of(1))
    ends.guard$.subscribe(
      (value) => seen.push(value),
      null,
      () => seen.push('end'),
    )
    const fails = guarded(throwError(() => 'x'))
    fails.guard$.subscribe(null, (error) => seen.push(error))
    expect(seen).toEqual([1, 'end', 'x'])
    expect([...ends.reported, ...fails.reported]).toEqual([])
  })

  it('keeps the guard along a chain of operators, and goes on for the others', () => {
    const source = new Subject<number>()
    const { guard$, reported } = guarded(source)
    const seen: number[] = []
    guard$.pipe(map((value) => value * 2)).subscribe(boom('downstream'))
    guard$.pipe(map(boom('operator'))).subscribe(() => {})
    guard$.subscribe((value) => seen.push(value))
    source.next(1)
    source.next(2)
    expect(seen).toEqual([1, 2])
    expect(reported).toEqual([
      new Error('downstream'),
      new Error('operator'),
      new Error('downstream'),
    ])
  })

  it('reports what a finalizer throws', () => {
    const { guard$, reported } = guarded(new Subject())
    const subscription = guard$.subscribe()
    subscription.add(boom('finalizer'))
    subscription.unsubscribe()
    expect(reported).toHaveLength(1)
  })
})
