import { expect, it } from 'vitest'
import { ownPathOf, pathOf } from '../../../src/protocol/request-target.ts'

it.each([
  ['/chat', '/chat'],
  ['/chat?room=/a', '/chat'],
  ['/chat#end', '/chat'],
  ['/a%2Fb/', '/a%2Fb/'],
  ['//host/chat', '//host/chat'],
  ['http://host/chat?x', '/chat'],
  ['WS://host:80/chat', '/chat'],
  ['http://host', '/'],
  ['http://host?x=/chat', '/'],
  ['*', '*'],
  ['', ''],
])('%j asks for the path %j (RFC 9112 §3.2)', (target, path) => {
  expect(pathOf(target)).toBe(path)
  expect(ownPathOf(target)).toBe(path)
})
