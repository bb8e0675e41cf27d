// Resumable close codes: whether a client that was closed so should connect again.
//
// Apart from the table of close codes, because browsers load it: the table's words are 1 KB of compressed text that no
// client reads.

/** Those with a name (RFC 6455 §7.4.1, IANA, windsock's own): trying again may help without anyone changing anything. */
const RESUMABLE: readonly number[] = [1001, 1006, 1011, 1012, 1013, 1014, 4003, 4008]

/**
 * Whether a client that saw `code` should connect again, after its back-off (RFC 6455 §7.2.3).
 *
 * Total. Codes without a name follow their range: 3000 to 3499 resumable and 3500 to 3999 final;
 * 4500 to 4599 resumable, because people mirror HTTP's 5xx there (the server's fault, may pass),
 * and the rest of 4000 to 4999 final, because an application that closes with its own code has
 * decided something. All else is final.
 */
export function isResumable(code: number): boolean {
  if (!Number.isInteger(code)) return false
  return (
    RESUMABLE.includes(code) || (code >= 3000 && code <= 3499) || (code >= 4500 && code <= 4599)
  )
}
