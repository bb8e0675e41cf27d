// Chart: work per CPU second of each server, as a multiple of bare `ws` in the same run.
//
// A row for each case, a mark for each server, on a logarithmic axis. The ground is a white card, as in the other
// pictures, so that it reads on a light page and on a dark one. Laid out by Vega, which needs no browser for it.

import { parse, type Spec, View } from 'vega'
import { COLOURS, FONTS } from '../tools/diagrams/picture.ts'
import type { Row } from './judge.ts'

const ROW_HEIGHT = 30
const WIDTH = 520
const TEXT_SIZE = 13

/** Shapes differ as well as colours; windsock is drawn last and largest. */
const LOOKS: Readonly<Record<string, { readonly colour: string; readonly shape: string }>> = {
  windsock: { colour: COLOURS.ember, shape: 'circle' },
  'ws tuned by hand': { colour: COLOURS.sea, shape: 'diamond' },
  'net, no WebSocket': { colour: COLOURS.edge, shape: 'triangle-right' },
  Bun: { colour: '#7a4b9e', shape: 'triangle-up' },
  'Socket.IO': { colour: '#2f7d4f', shape: 'square' },
  Tornado: { colour: '#8a6d00', shape: 'triangle-down' },
  websockets: { colour: '#c2557a', shape: 'cross' },
}

/** The picture; of rows that are ratios of work per CPU second. */
export async function chart(rows: readonly Row[]): Promise<string> {
  const values = rows.flatMap(({ name, subject, unit, against, compared, floor, goal }) => {
    if (unit !== '/CPU s' || against !== 'bare ws' || compared === undefined) return []
    return LOOKS[subject] === undefined
      ? []
      : [{ name, subject, ratio: compared.median, floor, goal }]
  })
  const view = new View(parse(specOf(values)), { renderer: 'none' })
  const svg = await view.toSVG()
  view.finalize()
  const title = 'Work per CPU second as a multiple of bare ws'
  return `${svg
    .replace('<svg ', '<svg role="img" ')
    .replaceAll('font-family="sans-serif"', `font-family="${FONTS}"`)
    .replace(/(<svg[^>]*>)<rect [^>]*\/>/, (_, open: string) => {
      return `${open}<title>${title}</title><rect width="100%" height="100%" rx="12" fill="${COLOURS.card}"/>`
    })}\n`
}

interface Point {
  readonly name: string
  readonly subject: string
  readonly ratio: number
  readonly floor: number | undefined
  readonly goal: number | undefined
}

function specOf(points: readonly Point[]): Spec {
  const names = [...new Set(points.map(({ name }) => name))]
  const present = new Set(points.map(({ subject }) => subject))
  const subjects = Object.entries(LOOKS).filter(([subject]) => present.has(subject))
  const domain = subjects.map(([subject]) => subject)
  return {
    $schema: 'https://vega.github.io/schema/vega/v6.json',
    width: WIDTH,
    height: names.length * ROW_HEIGHT,
    // Vega without a canvas only guesses how wide texts are, and by far too wide: so the room for them is given.
    autosize: 'none',
    padding: { left: 330, right: 30, top: 84, bottom: 60 },
    background: COLOURS.card,
    data: [
      { name: 'points', values: points.toSorted((a, b) => rank(a, domain) - rank(b, domain)) },
      { name: 'demands', values: points.filter(({ floor }) => floor !== undefined) },
    ],
    scales: [
      { name: 'x', type: 'log', domain: xDomain(points), range: 'width' },
      { name: 'y', type: 'band', domain: names, range: 'height' },
      { name: 'colour', type: 'ordinal', domain, range: subjects.map(([, look]) => look.colour) },
      { name: 'shape', type: 'ordinal', domain, range: subjects.map(([, look]) => look.shape) },
    ],
    axes: [
      {
        scale: 'x',
        orient: 'bottom',
        values: [0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 50],
        format: '~g',
        grid: true,
        gridColor: COLOURS.line,
        title: 'times the work of bare ws per CPU second of the server',
        ...AXIS,
      },
      { scale: 'y', orient: 'left', ...AXIS, domain: false, ticks: false, labelPadding: 10 },
    ],
    legends: [
      {
        fill: 'colour',
        shape: 'shape',
        orient: 'top',
        direction: 'horizontal',
        columns: 3,
        columnPadding: 8,
        labelColor: COLOURS.ink,
        labelFontSize: TEXT_SIZE,
        labelLimit: 0,
        symbolSize: 90,
        offset: 14,
      },
    ],
    marks: [
      {
        type: 'rule',
        encode: {
          enter: {
            x: { scale: 'x', value: 1 },
            y: { value: 0 },
            y2: { signal: 'height' },
            stroke: { value: COLOURS.soft },
            strokeWidth: { value: 1.5 },
          },
        },
      },
      ...(['floor', 'goal'] as const).map((demand) => demandMark(demand)),
      {
        type: 'symbol',
        from: { data: 'points' },
        encode: {
          enter: {
            x: { scale: 'x', field: 'ratio' },
            y: { scale: 'y', field: 'name', band: 0.5 },
            shape: { scale: 'shape', field: 'subject' },
            fill: { scale: 'colour', field: 'subject' },
            stroke: { scale: 'colour', field: 'subject' },
            strokeWidth: { value: 1.5 },
            fillOpacity: { value: 0.85 },
            size: [{ test: "datum.subject === 'windsock'", value: 150 }, { value: 70 }],
          },
        },
      },
    ],
  }
}

const AXIS = {
  labelColor: COLOURS.ink,
  labelFontSize: TEXT_SIZE,
  labelLimit: 0,
  titleColor: COLOURS.soft,
  titleFontSize: TEXT_SIZE,
  titleFontWeight: 'normal',
  titlePadding: 10,
  domainColor: COLOURS.edge,
  tickColor: COLOURS.edge,
} as const

/** A tick at windsock's floor, a fainter one at its goal. */
function demandMark(demand: 'floor' | 'goal'): NonNullable<Spec['marks']>[number] {
  return {
    type: 'rule',
    from: { data: 'demands' },
    encode: {
      enter: {
        x: { scale: 'x', field: demand },
        y: { scale: 'y', field: 'name', band: 0.15 },
        y2: { scale: 'y', field: 'name', band: 0.85 },
        stroke: { value: COLOURS.ember },
        strokeWidth: { value: 1.5 },
        strokeDash: { value: demand === 'floor' ? [1, 0] : [2, 3] },
      },
    },
  }
}

/** Points of a higher rank are drawn over the others. */
function rank({ subject }: Point, domain: readonly string[]): number {
  return -domain.indexOf(subject)
}

function xDomain(points: readonly Point[]): [number, number] {
  const figures = points.flatMap(({ ratio, floor, goal }) => [ratio, floor ?? 1, goal ?? 1])
  return [Math.min(0.2, ...figures) * 0.85, Math.max(2, ...figures) * 1.2]
}
