#!/usr/bin/env node
// windsock, the command.
//
// One file per subcommand; this one only tells what there is.

import { readFileSync } from 'node:fs'
import { Command, Option } from 'commander'
import { describe, WebSocketError } from '../protocol/errors.ts'
import type { ConnectOptions } from './connect.ts'
import { another, header, pause, place, transports } from './connect-options.ts'
import type { DemoOptions } from './demo.ts'
import { type CompactOptions, compactJournal } from './journal-compact.ts'
import { renewEpochs } from './journal-new-epoch.ts'
import { verifyJournal } from './journal-verify.ts'
import { age, port, time, whole } from './options.ts'
import { type LifeOptions, type ListOptions, replayLife, replayList } from './replay.ts'
import { CAUSES } from './replay-list.ts'
import { harmless } from './terminal-text.ts'

const AN_ID = 'An id that begins with - goes behind --, as in: windsock replay <journal> -- -aB3'

// As far from here when it is built as it is from the source.
const { version } = JSON.parse(
  readFileSync(new URL('../../package.json', import.meta.url), 'utf8'),
) as { version: string }

const program = new Command('windsock')
  .description(
    'For WebSocket servers made with windsock: a demo to look at, a client to talk with, and tools for journals.',
  )
  .version(version)
  .showHelpAfterError('Add --help to see what can be written.')

program
  .command('demo')
  .description('serve echo, clock and chat, with a page for each')
  .option('--host <address>', 'address to listen on', '127.0.0.1')
  .option('--port <number>', 'port to listen on; 0 picks a free one', port, 8888)
  .option('--journal <file>', 'keep the chat and the journal in that file (default: in memory)')
  // Loaded only for this: it brings the whole runtime along.
  .action(async (options: DemoOptions) => (await import('./demo.ts')).demo(options))

program
  .command('replay')
  .description('tell which connections a journal knows, or the life of one of them')
  .configureOutput({
    outputError: (message, write) =>
      write(/unknown option '-[^-]/.test(message) ? `${message}${AN_ID}\n` : message),
  })
  .argument('<journal>', 'the file that openJournal() writes; it is only read')
  .argument('[connection]', 'an id, or the beginning of one; after -- if it begins with -')
  .addOption(
    new Option('--limit <number>', 'show at most this many connections, 0 for all')
      .argParser(whole)
      .default(20),
  )
  .addOption(new Option('--cause <cause>', 'only those that ended so').choices(CAUSES))
  .option(
    '--ended <time>',
    'only those that ended then, in UTC: 2026-11-20, 2026-11-20T14:03, 14:03',
    time,
  )
  .addOption(new Option('--live', 'only those that have not ended').conflicts(['cause', 'ended']))
  .option('--json', 'one JSON object a line')
  .option('--at <event>', 'of one life: where it stood after that event', whole)
  .addOption(
    new Option('--mermaid', 'of one life: its way through the statechart, for mermaid').conflicts([
      'json',
      'at',
    ]),
  )
  .addOption(
    new Option('--test [file]', 'of one life: write it as a regression test for vitest').conflicts([
      'json',
      'at',
      'mermaid',
    ]),
  )
  .action((file: string, id: string | undefined, options: ListOptions & LifeOptions, command) => {
    const own = id === undefined ? ['at', 'mermaid', 'test'] : ['cause', 'ended', 'live', 'limit']
    const wrong = own.find((name) => command.getOptionValueSource(name) === 'cli')
    if (wrong === undefined)
      return id === undefined ? replayList(file, options) : replayLife(file, id, options)
    const why =
      id === undefined ? 'is about one connection: add its id' : 'is for the list: leave the id out'
    return command.error(`error: option --${wrong} ${why}`)
  })

program
  .command('connect')
  .description('talk to a server: what you type is sent line by line, what happens is shown')
  .argument('<url>', 'ws:// or wss://; for a topic, where the server has its topics()')
  .option('--topic <name>', 'read and write this topic, and come back when the connection is lost')
  .addOption(
    new Option('--from <place>', 'of the topic: start, now, last:50, or EPOCH_OFFSET')
      .argParser(place)
      .default({ from: 'now' }, 'now'),
  )
  .option(
    '--transports <list>',
    'of the topic: which of websocket,sse,long-poll,poll, the best first',
    transports,
  )
  .addOption(
    new Option('--header <line>', 'add a header, as in "Name: value"; repeat for more')
      .argParser(header)
      .default({}, 'none'),
  )
  .addOption(
    new Option('--subprotocol <name>', 'offer a subprotocol; repeat for more')
      .argParser(another)
      .default([], 'none'),
  )
  .option('--origin <origin>', 'send this Origin header, as a page does')
  .addOption(
    new Option(
      '--ping <time>',
      'time between two pings, whose round trips are shown: 5s, 1m; 0 for none',
    )
      .argParser(pause)
      .default(30_000, '30s'),
  )
  .addOption(
    new Option('--wait <time>', 'when piped input ends: close after this much silence; 0 for never')
      .argParser(pause)
      .default(1_000, '1s'),
  )
  .option('--json', 'one JSON object a line')
  // Loaded only for this, as above.
  .action(async (url: string, options: ConnectOptions, command) => {
    const ofOther =
      options.topic === undefined
        ? ['from', 'transports']
        : ['header', 'subprotocol', 'origin', 'ping']
    const wrong = ofOther.find((name) => command.getOptionValueSource(name) === 'cli')
    if (wrong !== undefined) {
      const why = options.topic === undefined ? 'needs --topic' : 'is not for topics'
      return command.error(`error: option --${wrong} ${why}`)
    }
    return (await import('./connect.ts')).connectTo(url, options)
  })

const journal = program.command('journal').description('look after the file of a journal')

journal
  .command('verify')
  .description('read everything: checksums, order, and every life against its close record')
  .argument('<journal>', 'it is only read, and may be in use')
  .action(verifyJournal)

journal
  .command('compact')
  .description('take away what is old, and give its space back to the disk')
  .argument('<journal>', 'no process may have it open')
  .option('--keep-events <number>', 'of lives: keep this many of the newest events', whole)
  .option('--max-age <time>', 'take away what is older: 90s, 30m, 24h, 7d', age)
  .option('--topics', 'do the same with the messages of each topic')
  .action((file: string, options: CompactOptions) => compactJournal(file, options))

journal
  .command('new-epoch')
  .description('after a backup was restored: tell readers that positions of before do not count')
  .argument('<journal>', 'no process may have it open')
  .action(renewEpochs)

// Whoever reads what we print may stop before the end.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code === 'EPIPE') process.exit(0)
  throw error
})

try {
  await program.parseAsync()
} catch (thrown) {
  const code = thrown instanceof WebSocketError ? ` (${thrown.code})` : ''
  const [first = '', ...list] = describe(thrown).trimEnd().split('\n').map(harmless)
  console.error([`windsock: ${first}${code}`, ...list].join('\n'))
  process.exitCode = 1
}
