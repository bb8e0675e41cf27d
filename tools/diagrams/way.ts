// Way: the rooms of the source, and what goes from one to the other.
//
// Drawn by hand: control above, data below, and `connection.ts` between them. What control does to data goes down,
// what it hears of it comes up.

import { COLOURS, FONT } from './picture.ts'

const small = (colour: string, text: string) =>
  `<font point-size="11" color="${colour}">${text}</font>`

const rows = (lines: readonly string[], align: 'center' | 'left') =>
  `<table border="0" cellborder="0" cellspacing="0" cellpadding="1">${lines
    .map((line) => `<tr><td align="${align}">${line}</td></tr>`)
    .join('')}</table>`

/** A room: what it is called, where it is, what it does. */
const room = (name: string, place: string, ...does: readonly string[]) =>
  rows(
    [
      `<b>${name}</b>`,
      small(COLOURS.ember, place),
      ...does.map((line) => small(COLOURS.soft, line)),
    ],
    'center',
  )

const heading = (name: string, ...lines: readonly string[]) =>
  rows([`<b>${name}</b>`, ...lines.map((line) => small(COLOURS.ink, line))], 'left')

/** What goes down an arrow, and what comes up. */
const both = (down: string, up: string) =>
  rows([small(COLOURS.sea, `&#160;↓ ${down}`), small(COLOURS.ember, `&#160;↑ ${up}`)], 'left')

export const WAY = `digraph {
graph [rankdir=TB nodesep=0.35 ranksep=0.75 pad=0.3 fontname="${FONT}" bgcolor=transparent]
node [shape=box style="rounded,filled" fillcolor=white color="${COLOURS.edge}" penwidth=1.3
  fontname="${FONT}" fontsize=14 fontcolor="${COLOURS.ink}" margin="0.14,0.09"]
edge [penwidth=1.3 arrowsize=0.8 color="${COLOURS.soft}"
  fontname="${FONT}" fontsize=11 fontcolor="${COLOURS.ink}"]

{ rank=same
  upgrade [label=<${room('upgrade request', 'server.ts', 'which route?')}>]
  policy [label=<${room('policy', 'handshake.ts, protocol/', 'origin, version, prepare,', 'subprotocol')}>]
  machine [label=<${room('connection machine', 'machines/', 'which state, which deadline,', 'who began the end')}>
    fillcolor="${COLOURS.seaPale}" color="${COLOURS.sea}" penwidth=2]
  control [shape=plain style="" label=<${heading('Control', 'lifecycle only, through XState')}>]
}
connection [label=<${room('connection', 'connection.ts', 'performs effects, reports events, holds user code in a barrier')}>
  width=9.5 fillcolor="${COLOURS.seaPale}" color="${COLOURS.sea}" penwidth=2]
{ rank=same
  peerIn [label="peer" shape=oval fillcolor="${COLOURS.ground}"]
  reads [label=<${room('transport', 'transport/', 'reads')}> fillcolor="${COLOURS.emberPale}"]
  inbound [label=<${room('inbound', 'streams/', 'a gate; one by one')}> fillcolor="${COLOURS.emberPale}"]
  handler [label=<${room('your code', 'handlers/, tornado/', 'function, class, actor')}> fillcolor="${COLOURS.emberPale}"]
  outbound [label=<${room('outbound', 'streams/', 'two lanes, a budget')}> fillcolor="${COLOURS.emberPale}"]
  writes [label=<${room('transport', 'transport/', 'writes')}> fillcolor="${COLOURS.emberPale}"]
  peerOut [label="peer" shape=oval fillcolor="${COLOURS.ground}"]
}
{ rank=same
  topic [label=<${room('topic', 'streams/', 'one order for all')}> fillcolor="${COLOURS.emberPale}"]
  data [shape=plain style="" label=<${heading('Data', 'every message, through RxJS;', 'never through the machine')}>]
}

upgrade -> policy
machine -> control [style=invis]
topic -> data [style=invis minlen=2]
policy -> machine [label="  accepted,  \\n  refused  "]
machine -> connection [dir=both label=<${both('effects, as data', 'events')}>]
connection -> reads [dir=both label=<${both('101, pause, destroy', 'pong, Close, end')}>]
connection -> inbound [dir=both label=<${both('open or shut the gate', 'full, room again')}>]
connection -> handler [dir=both label=<${both('open, end, close', 'close(), threw')}>]
connection -> outbound [dir=both label=<${both('ping, pong, Close', 'too slow')}>]
edge [color="${COLOURS.ember}" penwidth=2.4 arrowsize=0.9]
peerIn -> reads -> inbound -> handler -> outbound -> writes -> peerOut
handler -> topic [dir=both label=<${small(COLOURS.ink, '&#160;publish, subscribe')}>]
}`
