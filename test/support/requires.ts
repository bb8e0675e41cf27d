// Requires: tests that need something of the machine which not every machine has.
//
// A developer without it gets one line that says what was left out; CI, which has to have it, gets a failure,
// so that a test never goes missing without anyone noticing.

const told = new Map<string, boolean>()

/**
 * Whether to run the tests that need `what`; prints one line when not, once.
 *
 * @param probe - whether it is here; one that throws means no.
 * @throws Error under CI (`CI=true`) when it is not here.
 */
export function requires(what: string, probe: () => boolean): boolean {
  const known = told.get(what)
  if (known !== undefined) return known
  const here = holds(probe)
  told.set(what, here)
  if (here) return true
  if (process.env['CI'] === 'true') {
    throw new Error(`${what} is missing, and under CI no test may be left out: install it`)
  }
  console.warn(`skipped: these tests need ${what}, which is not here`)
  return false
}

function holds(probe: () => boolean): boolean {
  try {
    return probe()
  } catch {
    return false
  }
}
