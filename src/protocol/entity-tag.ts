// Entity tag: whether whoever asks has already what would be sent (RFC 9110 §13.1.2).
//
// Knows nothing of what is sent, or of how a tag is made.

/**
 * Whether one of the tags in If-None-Match is `tag`. They are compared weakly: who compresses on the way makes a tag weak.
 *
 * @param values - of all headers of that name, as they came; `*` is any tag.
 */
export function isKnown(values: readonly string[], tag: string): boolean {
  return values
    .flatMap((value) => value.split(','))
    .map((value) => value.trim().replace(/^W\//, ''))
    .some((value) => value === tag || value === '*')
}
