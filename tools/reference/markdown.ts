// Markdown: the few shapes that the reference pages are made of.

/** A whole page; `source` is the file that it is printed from. */
export function page(title: string, source: string, ...blocks: readonly string[]): string {
  const notice = `<!-- Printed from ${source} by \`npm run reference\`; edit that, not this. -->`
  return `${[notice, `# ${title}`, ...blocks].join('\n\n')}\n`
}

export function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]) => `| ${cells.map(cell).join(' | ')} |`
  return [line(head), `|${' --- |'.repeat(head.length)}`, ...rows.map(line)].join('\n')
}

/** A number as people read it: `10,000`, `2^31-1`. */
export function number(value: number): string {
  return value === 2 ** 31 - 1 ? '2^31-1' : value.toLocaleString('en-US')
}

export function yesNo(is: boolean): string {
  return is ? 'yes' : 'no'
}

/** The first letter large. */
export function sentence(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1)
}

function cell(text: string): string {
  return text.replaceAll('|', '\\|').replaceAll('\n', ' ')
}
