import { expect, it, onTestFinished, vi } from 'vitest'
import { topic } from 'windsock'

it('a topic prints what a subscriber threw, once, and goes on', () => {
  const print = vi.spyOn(console, 'error').mockImplementation(() => {})
  onTestFinished(() => print.mockRestore())
  const news = topic<string>('news')
  const heard: string[] = []
  news.subscribe(() => {
    throw new Error('out of cheese')
  })
  news.subscribe((text) => heard.push(text))
  news.publish('one')
  news.subscribe(() => {
    throw new Error('out of bread')
  })
  news.publish('two')
  expect(heard).toEqual(['one', 'two'])
  expect(news.subscriberErrors).toBe(3)
  const printed = print.mock.calls.flat().join('\n')
  expect(printed).toMatch(/ERR_WINDSOCK_UNHANDLED.*topic "news" threw: out of cheese/)
  expect(printed).toContain('topic.test.ts')
  expect(printed).not.toContain('bread')
})

it('a topic with a listener of its own prints nothing', () => {
  const print = vi.spyOn(console, 'error').mockImplementation(() => {})
  onTestFinished(() => print.mockRestore())
  const thrown: unknown[] = []
  const news = topic<string>('news', { onSubscriberError: (error) => thrown.push(error) })
  news.subscribe(() => {
    throw new RangeError('mine')
  })
  news.publish('one')
  expect(thrown).toEqual([new RangeError('mine')])
  expect(print).not.toHaveBeenCalled()
})
