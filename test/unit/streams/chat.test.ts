import { Subject } from 'rxjs'
import { describe, expect, it } from 'vitest'
import { chatRoom, type Message, topic } from 'windsock'

function member(remoteAddress: string) {
  const messages$ = new Subject<Message>()
  return { request: { remoteAddress }, messages$ }
}

describe('a chat room', () => {
  it('tells everyone who joined, who said what, and who left, the speaker among them', () => {
    const enter = chatRoom()
    const [ann, bob] = [member('192.0.2.1'), member('192.0.2.2')]
    const [heard, other]: string[][] = [[], []]
    enter(ann).subscribe((line) => heard?.push(line))
    const bobs = enter(bob).subscribe((line) => other?.push(line))
    ann.messages$.next('hello')
    bobs.unsubscribe()
    expect(heard).toEqual([
      '[192.0.2.1] joined the chat',
      '[192.0.2.2] joined the chat',
      '[192.0.2.1] says: hello',
      '[192.0.2.2] left the chat',
    ])
    expect(other).toEqual(heard?.slice(1, 3))
    expect(bob.messages$.observed).toBe(false)
  })

  it('takes binary messages for no speech', () => {
    const enter = chatRoom()
    const ann = member('192.0.2.1')
    const heard: string[] = []
    enter(ann).subscribe((line) => heard.push(line))
    ann.messages$.next(Uint8Array.of(1))
    expect(heard).toHaveLength(1)
  })

  it('speaks on a topic that others may hear and speak on', () => {
    const lines = topic<string>('lines')
    const heard: string[] = []
    chatRoom({ topic: lines })(member('192.0.2.1')).subscribe((line) => heard.push(line))
    lines.publish('from outside')
    expect(heard).toEqual(['[192.0.2.1] joined the chat', 'from outside'])
  })

  it('shows no past of a topic that keeps none: that is refused when the room is made', () => {
    const refusal = expect.objectContaining({ code: 'ERR_WINDSOCK_SETTING' })
    expect(() => chatRoom({ last: 1 })).toThrow(refusal)
    expect(() => chatRoom({ last: 1, topic: topic('lines') })).toThrow(refusal)
    const kept = topic<string>('lines', { history: { count: 1 } })
    expect(() => chatRoom({ last: 1, topic: kept })).not.toThrow()
  })
})
