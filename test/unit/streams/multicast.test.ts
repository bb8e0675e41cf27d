import { map, Subscriber } from 'rxjs'
import { describe, expect, it } from 'vitest'
import { Multicast } from '../../../src/streams/multicast.ts'

function multicast() {
  const reported: unknown[] = []
  const cast$ = new Multicast<number>({ fail: (thrown) => void reported.push(thrown) })
  return { cast$, reported }
}
const boom = (what: string) => () => {
  throw new Error(what)
}

describe('a multicast', () => {
  it('gives each value to whoever is subscribed at the moment', () => {
    const { cast$ } = multicast()
    const seen: string[] = []
    cast$.next(0)
    const one = cast$.subscribe((value) => seen.push(`one ${value}`))
    cast$.next(1)
    cast$.pipe(map((value) => -value)).subscribe((value) => seen.push(`two ${value}`))
    cast$.next(2)
    one.unsubscribe()
    cast$.next(3)
    expect(seen).toEqual(['one 1', 'one 2', 'two -2', 'two -3'])
  })

  it('forgets whoever has left when the next one comes', () => {
    const { cast$ } = multicast()
    let asked = 0
    class Leaving extends Subscriber<number> {
      override next(): void {
        asked++
      }
    }
    const leaving = new Leaving()
    cast$.subscribe(leaving)
    cast$.next(1)
    leaving.unsubscribe()
    cast$.subscribe()
    cast$.next(2)
    expect(asked).toBe(1)
  })

  it('gives a value to nobody who came or went while it was given', () => {
    const { cast$ } = multicast()
    const seen: string[] = []
    cast$.subscribe((value) => {
      second.unsubscribe()
      if (value === 1) cast$.subscribe((later) => seen.push(`new ${later}`))
    })
    const second = cast$.subscribe((value) => seen.push(`second ${value}`))
    cast$.next(1)
    expect(seen).toEqual([])
    cast$.next(2)
    expect(seen).toEqual(['new 2'])
  })

  it('reports what a subscriber throws, and goes on for the others', () => {
    const { cast$, reported } = multicast()
    const seen: number[] = []
    cast$.subscribe(boom('next'))
    cast$.subscribe((value) => seen.push(value))
    cast$.next(1)
    cast$.next(2)
    expect(seen).toEqual([1, 2])
    expect(reported).toEqual([new Error('next'), new Error('next')])
  })

  it('completes everyone, also behind one whose finalizer throws, and whoever comes later', () => {
    const { cast$, reported } = multicast()
    const ends: string[] = []
    cast$.subscribe().add(boom('finalizer'))
    cast$.pipe(map((value) => value)).subscribe({ complete: () => ends.push('second') })
    cast$.complete()
    cast$.subscribe({ complete: () => ends.push('later') })
    cast$.next(1)
    expect(ends).toEqual(['second', 'later'])
    expect(reported).toHaveLength(1)
  })

  it('reports what a finalizer behind an operator throws', () => {
    const { cast$, reported } = multicast()
    const ends: string[] = []
    cast$.subscribe({ complete: () => ends.push('first') })
    const behind = cast$.pipe(map((value) => value)).subscribe()
    behind.add(boom('finalizer'))
    cast$.complete()
    expect(ends).toEqual(['first'])
    expect(reported).toHaveLength(1)
  })
})
