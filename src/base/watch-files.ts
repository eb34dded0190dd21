import { stat } from 'node:fs/promises'

const LOOK_MS = 1000

/**
 * Looks at files once a second and calls `onChange` when one is another than before: written in place, replaced, or behind a link
 * that was turned (how certificates are renewed). Polling sees all three on every file system. The look does not keep the process.
 */
export function watchFiles(paths: readonly string[], onChange: () => Promise<void>): Disposable {
  let seen: string | undefined
  let looking = false
  const look = async () => {
    if (looking) return
    looking = true
    try {
      const marks = await Promise.all(paths.map(markOf))
      const now = marks.join(' ')
      const changed = seen !== undefined && seen !== now
      seen = now
      if (changed) await onChange()
    } finally {
      looking = false
    }
  }
  void look()
  const timer = setInterval(() => void look(), LOOK_MS)
  timer.unref()
  return { [Symbol.dispose]: () => clearInterval(timer) }
}

/** A file that is missing has a mark too: it may be about to be replaced. */
async function markOf(path: string): Promise<string> {
  try {
    const { dev, ino, size, mtimeNs } = await stat(path, { bigint: true })
    return `${dev}/${ino}/${size}/${mtimeNs}`
  } catch {
    return 'none'
  }
}
