// Picture: the look that all pictures share, and Graphviz's SVG made fit for a page.
//
// The ground is a white card with round corners, so that a picture reads on a light page and on a dark one.

import type { Viz } from '@viz-js/viz'

export const FONT = 'Verdana'

/** Two more of the same widths: nearly every machine has one of the three, and there the layout fits. */
export const FONTS = 'Verdana,&quot;DejaVu Sans&quot;,Geneva,sans-serif'

export const COLOURS = {
  ink: '#1b2932',
  soft: '#526470',
  edge: '#7c8d98',
  line: '#d3dde3',
  card: '#ffffff',
  ground: '#f5f8fa',
  ember: '#a8480c',
  emberPale: '#fdebdd',
  sea: '#0f5c86',
  seaPale: '#e3f1f9',
} as const

/** Lays out `dot` and gives it a ground and a title. */
export function toSvg(viz: Viz, dot: string, title: string): string {
  const svg = viz.renderString(dot, { format: 'svg', engine: 'dot' })
  return (
    svg
      .replace(/^[^]*?(?=<svg)/, '')
      .replace(/<!--[^]*?-->\n?/g, '')
      // One of Graphviz's points is one pixel: pictures are as wide as a page of text.
      .replace(/ width="(\d+)pt" height="(\d+)pt"/, ' width="$1" height="$2" role="img"')
      .replaceAll(`font-family="${FONT}"`, `font-family="${FONTS}"`)
      // Runs of one line follow each other, whatever font they are shown in.
      .replace(RUNS, joined)
      // Names of nodes would show as tooltips.
      .replace(/<title>[^<]*<\/title>\n?/g, '')
      .replace(/(<svg[^>]*>)/, `$1\n<title>${title}</title>\n${card(svg)}`)
  )
}

/** Two or more texts in a row. */
const RUNS = /(?:<text [^>]*>[^<]*<\/text>\n?){2,}/g
const RUN = /<text ([^>]*)>([^<]*)<\/text>/g

function joined(runs: string): string {
  const lines: { y: string; text: string }[] = []
  for (const [, attributes = '', text = ''] of runs.matchAll(RUN)) {
    const y = / y="([^"]*)"/.exec(` ${attributes}`)?.[1] ?? ''
    const last = lines.at(-1)
    if (last?.y !== y) {
      lines.push({ y, text: `<text ${attributes}>${text}` })
      continue
    }
    const own = attributes.replace(/(?:^| )(?:text-anchor|x|y|xml:space)="[^"]*"/g, '')
    last.text += `<tspan ${own.trim()}>${text}</tspan>`
  }
  return lines.map(({ text }) => `${text}</text>\n`).join('')
}

function card(svg: string): string {
  const viewBox = /viewBox="([^"]*)"/.exec(svg)?.[1]
  const [x, y, width, height] = (viewBox ?? '0 0 0 0').split(' ')
  return `<rect x="${x}" y="${y}" width="${width}" height="${height}" rx="12" fill="${COLOURS.card}"/>`
}
