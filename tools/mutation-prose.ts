// Prose, a plugin of Stryker's: a text of four words or more is for people, and is left as it is.
//
// No test looks at prose. Names of states, events, headers and codes are shorter.

interface Node {
  readonly type: string
  readonly value?: string
  readonly quasis?: readonly { readonly value: { readonly raw: string } }[]
}

function textOf({ type, value = '', quasis = [] }: Node): string {
  if (type === 'StringLiteral') return value
  return type === 'TemplateLiteral' ? quasis.map((part) => part.value.raw).join('…') : ''
}

function isProse(text: string): boolean {
  return text.trim().split(/\s+/).length >= 4
}

export const strykerPlugins = [
  {
    kind: 'Ignore',
    name: 'prose',
    value: {
      shouldIgnore: ({ node }: { readonly node: Node }) =>
        isProse(textOf(node)) ? 'prose is for people' : undefined,
    },
  },
]
