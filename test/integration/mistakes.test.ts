// Mistakes: what TypeScript would have said at once is told to a program in JavaScript too, where it is made.
//
// Each message names what is there, so that nobody looks for the mistake in windsock.

import { createServer } from 'node:http'
import { createServer as createHttp2Server } from 'node:http2'
import { createServer as createNetServer } from 'node:net'
import { describe, expect, it } from 'vitest'
import * as windsock from 'windsock'
import * as client from 'windsock/client'
import * as testing from 'windsock/testing'
import * as arbitraries from 'windsock/testing/arbitraries'
import * as tornado from 'windsock/tornado'

const unreachable = () => URL_OF_NOBODY

/** The exports without their types, as JavaScript has them. */
const { attach, chatRoom, clockFeed, dial, memoryJournal, openJournal, page, route, serve, topic } =
  windsock as unknown as Record<string, (...args: unknown[]) => unknown>
const { topics } = windsock as unknown as Record<string, (...args: unknown[]) => unknown>

const { harness } = testing as unknown as Record<string, (...args: unknown[]) => testing.Harness>
const { createSignedValue, decodeSignedValue, websocketConnect } = tornado as unknown as Record<
  string,
  (...args: unknown[]) => unknown
>
const { scripts } = arbitraries as unknown as Record<string, (...args: unknown[]) => unknown>

const application = (rules: unknown, settings = {}) =>
  new tornado.Application(rules as tornado.Rule[], settings)
const untyped = (name: string) =>
  windsock.topic(name) as unknown as Record<string, (...args: unknown[]) => unknown>
const script = (steps: unknown) => new testing.Script(steps as testing.Step[])
const kept = (name: string) => [windsock.topic(name, { history: { count: 1 } })]

/** Makes a client, gives it to `use`, and closes it again. */
async function using<Made extends { close(): unknown }>(made: Made, use: (made: Made) => unknown) {
  try {
    await use(made)
  } finally {
    made.close()
  }
}

/** As the calls of a program in JavaScript. */
const connect = (...args: unknown[]) =>
  using(client.connect(...(args as Parameters<client.Connect>)), nothing)
const connectPlain = (...args: unknown[]) =>
  using(client.connectPlain(...(args as Parameters<client.ConnectPlain>)), nothing)
const beginAt = (begin: unknown, name: unknown = 'a') =>
  using(client.connect(unreachable), (made) => made.topic(name as string, begin as never))

const nothing = () => {}
const URL_OF_NOBODY = 'ws://127.0.0.1:9'

class Echo extends windsock.WebSocketHandler {}

const closed = windsock.memoryJournal()
void closed.close()

const news = windsock.topic<string>('news', { history: { count: 1 } })

const MISTAKES: readonly [what: string, make: () => unknown, code: string, says: RegExp][] = [
  ['no options', () => serve?.(), 'ROUTE', /routes is missing/],
  ['one route alone', () => serve?.({ routes: news }), 'ROUTE', /routes is no array/],
  ['a journal that is closed', () => serve?.({ routes: [], journal: closed }), 'SETTING', /closed/],
  ['a topic in it', () => topic?.('a', { durable: closed }), 'SETTING', /durable.*closed/],
  [
    'two routes with one path',
    () => serve?.({ routes: [route?.('/a', nothing), route?.('/a', nothing)] }),
    'ROUTE',
    /two routes have the path \/a:/,
  ],
  [
    'two pages with one path',
    () => serve?.({ routes: [page?.('/', 'package.json'), page?.('/', 'package.json')] }),
    'ROUTE',
    /two pages have the path \/:/,
  ],
  ['a handler among the routes', () => serve?.({ routes: [nothing] }), 'ROUTE', /routes\[0\]/],
  [
    'a misspelt option',
    () => serve?.({ routes: [], prot: 1 }),
    'SETTING',
    /"prot"; did you mean "port"\?/,
  ],
  ['a port of no number', () => serve?.({ routes: [], port: 'http' }), 'SETTING', /port is "http"/],
  [
    'no number for a port',
    () => serve?.({ routes: [], port: Number.NaN }),
    'SETTING',
    /port is NaN/,
  ],
  ['a number for a host', () => serve?.({ routes: [], host: 5 }), 'SETTING', /host is 5/],
  ['an empty host', () => serve?.({ routes: [], host: '' }), 'SETTING', /host is "".*0\.0\.0\.0/],
  [
    'a listener that is none',
    () => serve?.({ routes: [], onError: 'x' }),
    'SETTING',
    /onError is "x"/,
  ],
  ['a journal by its name', () => serve?.({ routes: [], journal: 'j.db' }), 'SETTING', /"j\.db"/],
  [
    'a journal that was not awaited',
    () => serve?.({ routes: [], journal: Promise.resolve() }),
    'SETTING',
    /journal is a promise.*await openJournal/,
  ],
  ['one proxy alone', () => serve?.({ routes: [], trustedProxies: '::1' }), 'SETTING', /is "::1"/],
  [
    'a port for attach()',
    () => attach?.(createServer(), { routes: [], port: 1 }),
    'SETTING',
    /"port"/,
  ],
  ['no server to attach to', () => attach?.('http', { routes: [] }), 'SETTING', /not "http"/],
  [
    'a server without HTTP to attach to',
    () => attach?.(createNetServer(), { routes: [] }),
    'SETTING',
    /needs a server of node:http/,
  ],
  [
    'a server of HTTP/2 alone, where nothing upgrades',
    () => attach?.(createHttp2Server(), { routes: [] }),
    'SETTING',
    /needs a server of node:http/,
  ],
  [
    'a list for a port',
    () => serve?.({ routes: [], port: [80] }),
    'SETTING',
    /port is 80: .*number/,
  ],
  ['a host in brackets', () => serve?.({ routes: [], host: '[::1]' }), 'LISTEN', /such as .* ::1$/],
  ['a certificate', () => serve?.({ routes: [], key: 'x', cert: 'y' }), 'SETTING', /node:https/],
  ['a room that nobody made', () => chatRoom?.({ messages$: news }), 'SETTING', /chatRoom\(\)\)/],
  ['a feed that nobody made', () => clockFeed?.({ messages$: news }), 'SETTING', /clockFeed\(\)\)/],
  ['a topic for the options of a room', () => chatRoom?.(news), 'SETTING', /\{ topic \}/],
  ['a topic without a name', () => topic?.(''), 'SETTING', /name of a topic is ""/],
  [
    'a word for a listener of errors',
    () => topic?.('a', { onSubscriberError: 'x' }),
    'SETTING',
    /onSubscriberError is "x"/,
  ],
  ['a number for a clock', () => topic?.('a', { clock: 5 }), 'SETTING', /clock is 5/],
  ['a number for chance', () => topic?.('a', { random: 5 }), 'SETTING', /random is 5/],
  ['a key that would be ignored', () => untyped('a').publish?.('b', 'key'), 'TOPIC', /append/],
  [
    'a text for an offset',
    () => untyped('a').append?.('b', { expectedOffset: '2' }),
    'SETTING',
    /expectedOffset is "2"/,
  ],
  ['path and handler in turn', () => route?.(nothing, '/'), 'ROUTE', /path is a function/],
  ['a stream for a handler', () => route?.('/', news), 'ROUTE', /\(\) => stream\$/],
  ['an instance for a class', () => route?.('/', new Echo()), 'ROUTE', /instance of a class/],
  ['no settings at all', () => route?.('/', nothing, null), 'SETTING', /is null/],
  ['a name of Object', () => route?.('/', nothing, { toString: 1 }), 'SETTING', /"toString"/],
  [
    'a wildcard without a name',
    () => route?.('/echo/*', nothing),
    'ROUTE',
    /"\/echo\/\*" does not parse: a wildcard has a name, as in \/echo\/\*rest$/,
  ],
  [
    'two parameters of one name',
    () => route?.('/:id{/:id}', nothing),
    'ROUTE',
    /"\/:id\{\/:id\}" has two parameters called id$/,
  ],
  ['a parameter without one', () => route?.('/:/a', nothing), 'ROUTE', /as in \/:name$/],
  [
    'a path of another library',
    () => route?.('/a?', nothing),
    'ROUTE',
    /Unexpected \? at index 2$/,
  ],
  ['a page without a slash', () => page?.('x', 'package.json'), 'ROUTE', /path is "x"/],
  ['a page without a file', () => page?.('/'), 'ROUTE', /file is undefined/],
  ['a page on the web', () => page?.('/', new URL('http://a/')), 'ROUTE', /file is http:\/\/a\//],
  [
    'a page that is not where the program was started',
    () => page?.('/', 'nowhere.html'),
    'ROUTE',
    /nowhere\.html.*import\.meta\.url/,
  ],
  ['a topic without a name', () => topic?.(), 'SETTING', /name of a topic is undefined/],
  [
    'a misspelt history',
    () => topic?.('a', { histroy: {} }),
    'SETTING',
    /"histroy"; did you mean "history"\?/,
  ],
  ['a history in one number', () => topic?.('a', { history: 5 }), 'SETTING', /history is 5/],
  [
    'a misspelt bound of it',
    () => topic?.('a', { history: { cnt: 5 } }),
    'SETTING',
    /"history\.cnt"/,
  ],
  [
    'durable without a journal',
    () => topic?.('a', { durable: true }),
    'SETTING',
    /durable is true/,
  ],
  ['one topic without a list', () => topics?.('/', news), 'SETTING', /needs an array/],
  ['a topic by its name', () => topics?.('/', ['news']), 'SETTING', /given "news" as a topic/],
  ['a topic with an empty name', () => topics?.('/', kept('')), 'SETTING', /topic is ""/],
  [
    'a topic whose name is too long',
    () => topics?.('/', kept('ä'.repeat(128))),
    'SETTING',
    /1 to 255 bytes/,
  ],
  [
    'a misspelt key',
    () => news.append('a', { kye: '1' } as never),
    'SETTING',
    /"kye"; known are key/,
  ],
  [
    'a setting as Python writes it',
    () => new tornado.Application([], { cookie_secret: 'x' } as never),
    'SETTING',
    /"cookie_secret"; did you mean "cookieSecret"\?/,
  ],
  [
    'an option as Python writes it',
    () => websocketConnect?.(URL_OF_NOBODY, { ping_interval: 1 }),
    'SETTING',
    /did you mean "pingInterval"\?/,
  ],
  ['topics one by one', () => topics?.('/', [news], news), 'SETTING', /one array/],
  [
    'a rule that is yes',
    () => topics?.('/', [news], { accept: true }),
    'SETTING',
    /accept is true/,
  ],
  [
    'a rule that is no',
    () => topics?.('/', [news], { mayRead: false }),
    'SETTING',
    /mayRead is false/,
  ],
  [
    'one content type for all',
    () => topics?.('/', [news], { contentType: 'text/plain' }),
    'SETTING',
    /contentType is "text\/plain": it must be a function/,
  ],
  [
    'topics below a parameter',
    () => topics?.('/t/:room', [news]),
    'SETTING',
    /a path without parameters.*found by a function/,
  ],
  ['a misspelt rule', () => topics?.('/', [news], { acept: nothing }), 'SETTING', /"acept"/],
  ['a room by its name', () => chatRoom?.({ topic: 'chat' }), 'SETTING', /topic is "chat"/],
  ['a room with less than nothing', () => chatRoom?.({ last: -1 }), 'SETTING', /last is -1/],
  ['a misspelt option of a room', () => chatRoom?.({ lst: 1 }), 'SETTING', /"lst"/],
  ['an interval without its unit', () => clockFeed?.({ every: 1 }), 'SETTING', /"everyMs"\?/],
  ['an interval without its name', () => clockFeed?.(1_000), 'SETTING', /is 1000.*everyMs/],
  ['a misspelt handler', () => dial?.(URL_OF_NOBODY, { handlr: nothing }), 'SETTING', /"handlr"/],
  [
    'what belongs to the server, misspelt on a route',
    () => route?.('/', nothing, { maxConection: 1 }),
    'SETTING',
    /known are (?!.*maxConnections)/,
  ],
  ['nobody to handle what is dialed', () => dial?.(URL_OF_NOBODY), 'ROUTE', /cannot be undefined/],
  [
    'a port beyond the last',
    () => dial?.('ws://127.0.0.1:99999', { handler: nothing }),
    'SETTING',
    /port is 99999, and must be a number up to 65535/,
  ],
  [
    'a port by its name',
    () => dial?.('ws://127.0.0.1:http/', { handler: nothing }),
    'SETTING',
    /port is http, and must be/,
  ],
  [
    'a host that is none, with a port that may be',
    () => dial?.('ws://a b:80/', { handler: nothing }),
    'SETTING',
    /such as ws:\/\/host/,
  ],
  [
    'headers in one text',
    () => dial?.(URL_OF_NOBODY, { handler: nothing, headers: 'a: b' }),
    'SETTING',
    /headers is "a: b"/,
  ],
  [
    'a signal that is none',
    () => dial?.(URL_OF_NOBODY, { handler: nothing, signal: 1 }),
    'SETTING',
    /signal is 1/,
  ],
  ['a journal nowhere', () => openJournal?.(), 'SETTING', /is undefined/],
  [
    'a journal on the web',
    () => openJournal?.(new URL('https://a.test/journal.db')),
    'SETTING',
    /is https:.*a path or a file: URL/,
  ],
  [
    'a journal on another machine',
    () => openJournal?.(new URL('file://a.test/journal.db')),
    'SETTING',
    /is file:\/\/a\.test/,
  ],
  [
    'a misspelt option of it',
    () => openJournal?.('x', { readonly: true }),
    'SETTING',
    /"readOnly"\?/,
  ],
  ['one route for a harness', () => harness?.(news), 'ROUTE', /give harness\(\) an array/],
  [
    'a time that is forgotten',
    () => harness?.([]).advance(...([] as unknown as [number])),
    'SETTING',
    /undefined.*number of ms/,
  ],
  ['a time before now', () => harness?.([]).clock.stall(-1), 'SETTING', /-1.*0 or more/],
  [
    'steps for a script',
    () => harness?.([]).run([] as unknown as testing.Script),
    'SETTING',
    /new Script/,
  ],
  ['a misspelt option of scripts', () => scripts?.('/', { client: 1 }), 'SETTING', /"clients"\?/],
  ['a fault of nobody', () => scripts?.('/', { faults: ['gremlin'] }), 'SETTING', /"gremlin"/],
  ['a client of nowhere', () => connect(), 'SETTING', /url is undefined.*absolute/],
  ['a client of a number', () => connect(5), 'SETTING', /url is 5.*absolute/],
  ['a relative address in Node', () => connect('foo'), 'SETTING', /url is "foo".*absolute/],
  ['a scheme of others', () => connect(new URL('ftp://a/')), 'SETTING', /url is ftp:\/\/a\//],
  ['a plain client of nowhere', () => connectPlain(), 'SETTING', /url is undefined/],
  ['a client with null', () => connect(URL_OF_NOBODY, null), 'SETTING', /options are null/],
  ['a client with a text', () => connect(URL_OF_NOBODY, 'sse'), 'SETTING', /options are "sse"/],
  ['a client with a list', () => connect(URL_OF_NOBODY, []), 'SETTING', /are an array/],
  [
    'cookies in words',
    () => connect(URL_OF_NOBODY, { withCredentials: 'no' }),
    'SETTING',
    /withCredentials is "no".*boolean/,
  ],
  [
    'a subprotocol with a space',
    () => connectPlain(URL_OF_NOBODY, { protocols: ['a b'] }),
    'SETTING',
    /protocols are a b.*tokens/,
  ],
  ['a plain client with null', () => connectPlain(URL_OF_NOBODY, null), 'SETTING', /are null/],
  ['a plain client with a text', () => connectPlain(URL_OF_NOBODY, 'a'), 'SETTING', /are "a"/],
  [
    'one transport alone',
    () => connect(URL_OF_NOBODY, { transports: 'sse' }),
    'SETTING',
    /transports are "sse".*array/,
  ],
  ['a topic of a number', () => beginAt({ last: 1 }, 5), 'TOPIC', /name of a topic is 5/],
  ['the last of a text', () => beginAt({ last: 'x' }), 'TOPIC', /last is "x"/],
  ['a beginning in one text', () => beginAt('start'), 'TOPIC', /from is undefined.*"start"/],
  ['a beginning of nothing', () => beginAt(null), 'TOPIC', /from is undefined/],
  ['two beginnings', () => beginAt({ last: 5, from: 'start' }), 'TOPIC', /from is "start".*alone/],
  [
    'a misspelt beginning',
    () => beginAt({ from: 'strat' }),
    'TOPIC',
    /from is "strat".*\{ last \} or \{ since \}/,
  ],
  ['a position in one number', () => beginAt({ since: 5 }), 'TOPIC', /since is 5.*position/],
  ['a position of nothing', () => beginAt({ since: null }), 'TOPIC', /since is null/],
  [
    'a position whose epoch is none',
    () => beginAt({ since: { epoch: 5, offset: 1 } }),
    'TOPIC',
    /since is an object/,
  ],
  [
    'a plain message of a number',
    () => using(client.connectPlain(unreachable), (made) => made.send(5 as never)),
    'MESSAGE_TYPE',
    /5 cannot be sent/,
  ],
  ['a rule alone', () => application(['/', Echo]), 'SETTING', /handlers\[0\] is "\/".*\[\['\/'/],
  ['a rule of nothing', () => application([null]), 'SETTING', /handlers\[0\] is null/],
  [
    'a rule whose handler is not there',
    () => application([['/a', undefined]]),
    'ROUTE',
    /the handler of "\/a" is undefined/,
  ],
  ['nowhere to connect to', () => websocketConnect?.(), 'SETTING', /needs an address.*undefined/],
  [
    'an option of websocketConnect() beside the url',
    () => websocketConnect?.({ url: URL_OF_NOBODY, pingInterval: 1 }),
    'SETTING',
    /no setting "pingInterval"; known are url, headers/,
  ],
  [
    'a connectionClass that is none of ours',
    () => websocketConnect?.(URL_OF_NOBODY, { connectionClass: class {} }),
    'SETTING',
    /connectionClass is a function.*extends WebSocketClientConnection/,
  ],
  [
    'a callback that cannot be called',
    () => websocketConnect?.(URL_OF_NOBODY, { onMessageCallback: 'print' }),
    'SETTING',
    /onMessageCallback is "print"/,
  ],
  [
    'no time to connect',
    () => websocketConnect?.(URL_OF_NOBODY, { connectTimeout: 0 }),
    'SETTING',
    /connectTimeout is 0/,
  ],
  [
    'a message of websocketConnect() that may have no bytes',
    () => websocketConnect?.(URL_OF_NOBODY, { maxMessageSize: 0 }),
    'SETTING',
    /^maxMessageSize is 0.*from 1 to/,
  ],
  [
    'a message of an Application that may have no bytes',
    () => application([['/', Echo]], { websocketMaxMessageSize: 0 }),
    'SETTING',
    /^websocketMaxMessageSize is 0.*from 1 to/,
  ],
  [
    'pings of an Application in no time',
    () => application([['/', Echo]], { websocketPingInterval: -1 }),
    'SETTING',
    /^websocketPingInterval is -1/,
  ],
  [
    'an Application among the routes',
    () => serve?.({ routes: [application([['/', Echo]])] }),
    'ROUTE',
    /routes\[0\] is no route: .*the routes of an Application/,
  ],
  [
    'headers that have no names of their own',
    () => websocketConnect?.({ url: URL_OF_NOBODY, headers: new Headers({ cookie: 'a=b' }) }),
    'SETTING',
    /headers is \[object Headers\]: it must be an object of names/,
  ],
  [
    'the age of a signed value alone',
    () => decodeSignedValue?.('secret', 'a', null, 7),
    'SETTING',
    /is 7.*maxAgeDays/,
  ],
  [
    'a value to sign that is not there',
    () => createSignedValue?.('secret', 'name'),
    'SETTING',
    /value to sign is undefined/,
  ],
  [
    'a secret that is not set',
    () => createSignedValue?.(undefined, 'name', 'value'),
    'SETTING',
    /there is no secret/,
  ],
  [
    'a peer at a path of nobody',
    () => harness?.([windsock.route('/a', nothing)]).connect('/b'),
    'ROUTE',
    /no route answers "\/b": the harness has \/a/,
  ],
  ['a script of nothing', () => script(undefined), 'SETTING', /array of steps/],
  [
    'a misspelt step',
    () => script([{ atMs: 0, client: 1, does: 'conect', path: '/' }]),
    'SETTING',
    /step 0 .*"conect"; known are connect, /,
  ],
  ['one in memory with none', () => memoryJournal?.({ max: 1 }), 'SETTING', /"maxEvents"\?/],
]

describe('a mistake is told where it is made', () => {
  it.each(MISTAKES)('%s', async (_what, make, code, says) => {
    await expect((async () => make())()).rejects.toMatchObject({
      code: `ERR_WINDSOCK_${code}`,
      message: expect.stringMatching(says),
    })
  })
})
