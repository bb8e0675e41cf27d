#!/usr/bin/env node
// windsock, the command.
//
// One file per subcommand; this one only tells what there is.

import { Command, InvalidArgumentError } from 'commander'
import { describe, WebSocketError } from '../protocol/errors.ts'
import { type DemoOptions, demo } from './demo.ts'

const program = new Command('windsock').description(
  'A WebSocket connection runtime: statecharts, streams, events, laws.',
)

program
  .command('demo')
  .description('serve echo, clock and chat, with a page for each')
  .option('--host <address>', 'address to listen on', '127.0.0.1')
  .option('--port <number>', 'port to listen on; 0 picks a free one', parsePort, 8888)
  .option(
    '--journal <file>',
    'where the chat and the journal are kept (default: data/demo.db of the project)',
  )
  .action((options: DemoOptions) => demo(options))

try {
  await program.parseAsync()
} catch (thrown) {
  const code = thrown instanceof WebSocketError ? ` (${thrown.code})` : ''
  console.error(`windsock: ${describe(thrown)}${code}`)
  process.exitCode = 1
}

function parsePort(text: string): number {
  const port = Number(text)
  if (!/^\d{1,5}$/.test(text) || port > 65_535) {
    throw new InvalidArgumentError('a port is a whole number from 0 to 65535.')
  }
  return port
}
