// Unix sockets: who asks, where a reverse proxy connects over one, and so has no address.

import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { createServer } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it, onTestFinished } from 'vitest'
import { attach, type ConnectionRequest, route } from 'windsock'
import { Application, RequestHandler } from 'windsock/tornado'
import { Mailbox } from './support/mailbox.ts'
import { PLAIN, RawClient, requestBytes, text } from './support/raw-client.ts'

const headers = { 'X-Forwarded-For': '192.0.2.66, 203.0.113.9', 'X-Forwarded-Proto': 'https' }

class WhoAmI extends RequestHandler {
  override get(): void {
    this.write(`${this.request.remoteIp} ${this.request.protocol}`)
  }
}

/** A server of `node:http` with windsock attached, and what `prepare` has seen of who asks. */
async function listening(address: string | number, trustedProxies?: readonly string[]) {
  const seen = new Mailbox<string>()
  const prepare = ({ remoteAddress, secure }: ConnectionRequest) => {
    seen.put(`${remoteAddress} ${secure}`)
  }
  const echo = route('/', ({ messages$ }) => messages$, { prepare })
  const routes = [echo, new Application([['/who', WhoAmI]]).routes]
  const http = createServer((request, response) => void attached.answer(request, response))
  const attached = attach(http, { routes, ...(trustedProxies && { trustedProxies }) })
  http.listen(address)
  await once(http, 'listening')
  onTestFinished(async () => {
    await attached.close()
    http.closeAllConnections()
    http.close()
  })
  return { http, seen }
}

async function socketFile(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'windsock-'))
  onTestFinished(() => rm(folder, { recursive: true }))
  return join(folder, 'app.sock')
}

it.each([
  ['unix:', '203.0.113.9 true', '203.0.113.9 https'],
  ['0.0.0.0/0', 'unix: false', 'unix: http'],
])('over a Unix socket, with %s trusted, it is %s who asks', async (trusted, client, plain) => {
  const file = await socketFile()
  const { seen } = await listening(file, [trusted])
  const proxy = await RawClient.open(file, { headers })
  expect(await seen.next()).toBe(client)
  proxy.write(text('hello'))
  expect(await proxy.nextText()).toBe('hello')
  const asking = await RawClient.connect(file)
  const answer = await asking.request({ path: '/who', headers: { ...PLAIN, ...headers } })
  expect(answer.body).toBe(plain)
})

it('who has reset a TCP connection has no address any more, and is not taken for a Unix socket', async () => {
  const { http, seen } = await listening(0, ['unix:'])
  const { port } = http.address() as { port: number }
  const client = await RawClient.connect(port)
  client.write(requestBytes({ headers }))
  client.reset()
  expect(await seen.next()).not.toContain('203.0.113.9')
})
