import { appendFileSync, chmodSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { homedir } from 'node:os'
import { dirname, join } from 'node:path'

const LINES_MAX = 1000

/** What was asked before. Losing it is no error: a home may be read-only. */
export interface History {
  /** Newest first, as readline wants them. */
  lines: string[]
  add(statement: string): void
}

export function openHistory(path = historyPath()): History {
  const lines = readLines(path)
  return {
    lines,
    add(statement) {
      const line = statement.replace(/\s*\n\s*/g, ' ').trim()
      if (line === '') return
      try {
        mkdirSync(dirname(path), { recursive: true, mode: 0o700 })
        appendFileSync(path, `${line}\n`, { mode: 0o600 })
      } catch {
        // Best effort.
      }
    },
  }
}

function historyPath(): string {
  const state = process.env['XDG_STATE_HOME'] || join(homedir(), '.local', 'state')
  return join(state, 'landfall', 'history')
}

/** Reads the newest lines and lets go of the older ones. */
function readLines(path: string): string[] {
  try {
    const lines = readFileSync(path, 'utf8').split('\n').filter(Boolean)
    chmodSync(path, 0o600)
    if (lines.length > 2 * LINES_MAX)
      writeFileSync(path, `${lines.slice(-LINES_MAX).join('\n')}\n`, { mode: 0o600 })
    return lines.slice(-LINES_MAX).toReversed()
  } catch {
    return []
  }
}
