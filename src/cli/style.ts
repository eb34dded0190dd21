/** Colours, only where a person sees them: on a terminal that is not dumb, unless NO_COLOR says no. FORCE_COLOR insists. */
export interface Style {
  bold: (text: string) => string
  dim: (text: string) => string
  red: (text: string) => string
  green: (text: string) => string
  yellow: (text: string) => string
}

const PLAIN: Style = { bold: same, dim: same, red: same, green: same, yellow: same }
const COLOURED: Style = {
  bold: wrap(1, 22),
  dim: wrap(2, 22),
  red: wrap(31, 39),
  green: wrap(32, 39),
  yellow: wrap(33, 39),
}

export function styleOf(stream: { isTTY?: boolean }, environment = process.env): Style {
  return hasColour(stream, environment) ? COLOURED : PLAIN
}

function hasColour({ isTTY }: { isTTY?: boolean }, environment: NodeJS.ProcessEnv): boolean {
  // https://no-color.org: any value but the empty one.
  if (environment.NO_COLOR !== undefined && environment.NO_COLOR !== '') return false
  const { FORCE_COLOR: force } = environment
  if (force !== undefined && force !== '' && force !== '0') return true
  return isTTY === true && environment.TERM !== 'dumb'
}

/** Blocks where the locale can show them, else ASCII. */
export function barStyle(environment = process.env): { filled: string; empty: string } {
  const locale = environment.LC_ALL || environment.LC_CTYPE || environment.LANG || ''
  const ascii = /^(C|POSIX)$/.test(locale)
  return ascii ? { filled: '#', empty: '-' } : { filled: '█', empty: '░' }
}

function same(text: string): string {
  return text
}

function wrap(on: number, off: number): (text: string) => string {
  return (text) => (text === '' ? '' : `\u001b[${on}m${text}\u001b[${off}m`)
}
