// Diagrams: draws docs/diagrams/ from the code, so that a picture cannot disagree with it.
//
//   npm run diagrams              writes the pictures
//   npm run diagrams -- --check   fails when one of them is stale
//
// The connection's pictures are read off its machine; the way of a message is drawn by hand, in `way.ts`.

import { instance } from '@viz-js/viz'
import { chartOf } from '../src/cli/chart.ts'
import { chartToMermaid } from '../src/cli/mermaid.ts'
import { connectionMachine } from '../src/machines/connection.ts'
import { chartToDot } from './diagrams/dot.ts'
import { toSvg } from './diagrams/picture.ts'
import { WAY } from './diagrams/way.ts'
import { settle } from './generated.ts'

const COMMAND = 'npm run diagrams'

const viz = await instance()
const chart = chartOf(connectionMachine.root)
process.exitCode = settle(
  {
    'docs/diagrams/connection.svg': toSvg(
      viz,
      chartToDot(chart),
      'The life of one connection: connecting, open, closing, closed',
    ),
    'docs/diagrams/connection.mmd': chartToMermaid(
      chart,
      `Drawn from src/machines/connection.ts by: ${COMMAND}`,
    ),
    'docs/diagrams/way.svg': toSvg(
      viz,
      WAY,
      'The way of a message and of control through windsock',
    ),
  },
  COMMAND,
  process.argv.slice(2),
)
