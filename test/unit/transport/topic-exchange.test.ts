// Who is let in, and what is refused; the laws about all requests stand in test/property/.

import { describe, expect, it } from 'vitest'
import { HandshakeError } from 'windsock'
import { headerOf, oneTopic, textOf } from '../../property/support/asking.ts'

describe('any request', () => {
  it('for a topic that is not there is 404, by another method 405', async () => {
    const { asking } = oneTopic()
    for (const method of ['GET', 'HEAD', 'POST']) {
      expect((await asking.answered('none', '', { method })).status).toBe(404)
    }
    for (const method of ['PUT', 'DELETE', 'PATCH', 'TRACE']) {
      const answer = await asking.answered('t', '', { method })
      expect([answer.status, headerOf(answer, 'allow')]).toEqual([405, 'GET, HEAD, OPTIONS, POST'])
    }
  })

  it('is refused as the rules say, with their headers', async () => {
    const headers = { 'WWW-Authenticate': 'Bearer' }
    const mayRead = () => {
      throw new HandshakeError(401, 'who are you?', { headers, body: '{"who":null}' })
    }
    const { asking } = oneTopic({ rules: { mayRead } })
    const answer = await asking.answered('t')
    expect([answer.status, textOf(answer)]).toEqual([401, '{"who":null}'])
    expect(answer.headers).toMatchObject(headers)
    expect(asking.errors).toEqual([])
  })

  it('whose rules fail, or say that it is granted by throwing, is 500, and the program is told', async () => {
    const granted = [200, 404.5].map((status) => new HandshakeError(status, 'a secret'))
    for (const thrown of [new Error('a secret'), ...granted, 'a secret']) {
      const mayRead = () => Promise.reject(thrown)
      const { asking } = oneTopic({ rules: { mayRead } })
      const answer = await asking.answered('t')
      expect(answer.status).toBe(500)
      expect(textOf(answer)).not.toContain('secret')
      expect(asking.errors).toMatchObject([{ code: 'ERR_WINDSOCK_HANDLER', fault: 'bug' }])
    }
  })

  it('whose rules never answer is 503 after ten seconds', async () => {
    const { asking } = oneTopic({ rules: { mayRead: () => new Promise(() => {}) } })
    const asked = asking.ask('t')
    await asking.clock.advance(10_000)
    expect(asked.answer?.status).toBe(503)
  })
})

describe('a page of another origin', () => {
  const from = (origin: string, ...more: (readonly [string, string])[]) =>
    ({ headers: [['Origin', origin], ...more] }) as const

  it('is 403 by default, without a word that lets it read', async () => {
    const answer = await oneTopic().asking.answered('t', '', from('https://a.example'))
    expect(answer.status).toBe(403)
    expect(Object.keys(answer.headers).filter((name) => /^access/i.test(name))).toEqual([])
    expect((await oneTopic().asking.answered('t', '', from('http://server.test'))).status).toBe(200)
  })

  it('that has an address loaded without its Origin is 403 as well, where the browser says so', async () => {
    for (const [site, status] of [
      ['cross-site', 403],
      ['same-site', 403],
      ['nonsense', 403],
      ['same-origin', 200],
      ['none', 200],
    ] as const) {
      const headers = [['Sec-Fetch-Site', site]] as const
      expect((await oneTopic().asking.answered('t', '', { headers })).status).toBe(status)
      const open = oneTopic({ checkOrigin: 'any' }).asking
      expect((await open.answered('t', '', { headers })).status).toBe(200)
    }
  })

  it('that is listed may read, with cookies', async () => {
    const { asking } = oneTopic({ checkOrigin: ['https://a.example'] })
    const answer = await asking.answered('t', '', from('https://a.example'))
    expect(answer.headers).toMatchObject({
      Vary: 'Origin',
      'Access-Control-Allow-Origin': 'https://a.example',
      'Access-Control-Allow-Credentials': 'true',
    })
    expect(headerOf(answer, 'access-control-expose-headers')).toContain('Stream-Next-Offset')
    expect((await asking.answered('t')).headers).toMatchObject({ Vary: 'Origin' })
    expect((await asking.answered('none', '', from('https://a.example'))).headers).toMatchObject({
      'Access-Control-Allow-Origin': 'https://a.example',
    })
  })

  it('that is named twice is 403, even where each name is let in, and is not named in the answer', async () => {
    const twice = (origin: string) => from(origin, ['Origin', origin])
    const listed = oneTopic({ checkOrigin: ['https://a.example'] }).asking
    expect((await listed.answered('t', '', twice('https://a.example'))).status).toBe(403)
    const own = oneTopic().asking
    expect((await own.answered('t', '', twice('http://server.test'))).status).toBe(403)
    // A function decides for itself; what it is told is no origin that it could know.
    const told: string[] = []
    const checkOrigin = (origin: string) => {
      told.push(origin)
      return true
    }
    const answer = await oneTopic({ checkOrigin }).asking.answered(
      't',
      '',
      twice('https://a.example'),
    )
    expect(told).toEqual([''])
    expect(headerOf(answer, 'access-control-allow-origin')).toBeUndefined()
  })

  it('is told beforehand what it may send', async () => {
    const { asking } = oneTopic({ checkOrigin: ['https://a.example'] })
    const asks = [
      ['Access-Control-Request-Method', 'POST'],
      ['Access-Control-Request-Headers', 'idempotency-key'],
    ] as const
    const options = { method: 'OPTIONS', ...from('https://a.example', ...asks) }
    const answer = await asking.answered('t', '', options)
    expect(answer.status).toBe(204)
    expect(headerOf(answer, 'access-control-allow-methods')).toContain('POST')
    expect(headerOf(answer, 'access-control-allow-headers')).toContain('Idempotency-Key')
    const foreign = { method: 'OPTIONS', ...from('https://b.example', ...asks) }
    expect((await asking.answered('t', '', foreign)).status).toBe(403)
  })

  it('is let in by a function that says true, and by nothing else', async () => {
    const status = async (origins: unknown) => {
      const { asking } = oneTopic({ checkOrigin: origins as never })
      return (await asking.answered('t', '', from('https://a.example'))).status
    }
    expect(await status(() => true)).toBe(200)
    expect(await status(async () => true)).toBe(200)
    expect(await status(() => 'yes')).toBe(403)
    expect(await status(() => Promise.reject(new Error('a bug')))).toBe(500)
    expect(
      await status(() => {
        throw new Error('a bug')
      }),
    ).toBe(500)
  })
})
