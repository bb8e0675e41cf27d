import fc from 'fast-check'
import { match } from 'path-to-regexp'
import { expect, it } from 'vitest'
import { pattern } from '../../src/http/pattern.ts'

const unit = fc.constantFrom('a', 'A', '/', '.', '%', '2', '\\+', '\\\\', 'é', '$', '^')
const paths = fc.string({ unit, maxLength: 8 }).map((rest) => `/${rest}`)

it('a path without parameters answers what path-to-regexp answers', () => {
  fc.assert(
    fc.property(paths, paths, (path, other) => {
      const theirs = match(path, { decode: false, trailing: false, sensitive: true })
      const ours = pattern(path)
      for (const asked of [path, other, `${path}/`, path.toLowerCase(), path.replaceAll('\\', '')])
        expect([asked, ours.match(asked) !== undefined]).toEqual([asked, theirs(asked) !== false])
    }),
  )
})
