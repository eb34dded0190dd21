import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs'
import { dirname, join, normalize, relative } from 'node:path'
import { expect, test } from 'vitest'

// The house: a file may import from its own room, from rooms it may know at files directly in their folder, and from
// everything beneath. Rooms are listed from the ground up.
const GROUND = ['base', 'model', 'storage']
const ROOMS = ['collector', 'log', 'lander', 'lake', 'catalog', 'sql', 'report', 'ledger', 'dashboard']
const ROOF = ['pipeline.ts', 'pipeline', 'config.ts', 'simulate', 'verify', 'stack', 'cli']

function sources(folder: string): string[] {
  return readdirSync(folder).flatMap((name) => {
    const path = join(folder, name)
    if (statSync(path).isDirectory()) return sources(path)
    return path.endsWith('.ts') ? [path] : []
  })
}

const files = sources('src')

function importsOf(file: string): { target: string; typeOnly: boolean }[] {
  // Examples in comments are not imports.
  const text = readFileSync(file, 'utf8').replaceAll(/\/\*[\s\S]*?\*\//g, '')
  const pattern = /(import|export)\s+(type\s+)?[^'";]*?from\s+'(\.[^']+)'|import\(\s*'(\.[^']+)'\s*\)/g
  return [...text.matchAll(pattern)].map((match) => ({
    target: normalize(join(dirname(file), match[3] ?? match[4]!)),
    typeOnly: match[2] !== undefined,
  }))
}

const place = (file: string) => relative('src', file).split('/')[0]!

function level(file: string): number {
  const top = place(file)
  if (GROUND.includes(top)) return GROUND.indexOf(top)
  if (ROOMS.includes(top)) return GROUND.length
  if (ROOF.includes(top)) return GROUND.length + 1 + ROOF.indexOf(top)
  return Number.POSITIVE_INFINITY
}

test('imports point down the house', () => {
  const wrong: string[] = []
  for (const file of files) {
    for (const { target } of importsOf(file)) {
      const from = place(file)
      const to = place(target)
      if (from === to || from === 'index.ts') continue
      if (from === 'client') {
        if (to !== 'model') wrong.push(`${file} → ${target}: the client may use types of the model only`)
        continue
      }
      if (ROOMS.includes(from) && ROOMS.includes(to)) {
        const inside = relative(join('src', to), target).split('/').slice(0, -1)
        if (inside.length > 0)
          wrong.push(`${file} → ${target}: rooms meet at files directly in a room's folder`)
      } else if (level(target) > level(file)) {
        wrong.push(`${file} → ${target}: points up`)
      }
    }
  }
  expect(wrong).toEqual([])
})

test('no import cycles at run time', () => {
  const graph = new Map(
    files.map(
      (file) =>
        [
          file,
          importsOf(file)
            .filter((i) => !i.typeOnly)
            .map((i) => i.target),
        ] as const,
    ),
  )
  const done = new Set<string>()
  const cycles: string[] = []
  const walk = (file: string, path: string[]) => {
    const at = path.indexOf(file)
    if (at >= 0) return void cycles.push([...path.slice(at), file].join(' → '))
    if (done.has(file)) return
    for (const next of graph.get(file) ?? []) walk(next, [...path, file])
    done.add(file)
  }
  for (const file of files) walk(file, [])
  expect(cycles).toEqual([])
})

test('every import resolves to a file of the house', () => {
  const known = new Set(files)
  const lost = files.flatMap((file) =>
    importsOf(file)
      .filter(({ target }) => target.startsWith('src') && !known.has(target))
      .map(({ target }) => `${file} → ${target}`),
  )
  expect(lost).toEqual([])
})

test('no leftovers, no stray output, no file with a second noun', () => {
  const wrong: string[] = []
  for (const file of files) {
    const text = readFileSync(file, 'utf8')
    const lines = text.split('\n')
    if (lines.length > 400) wrong.push(`${file}: ${lines.length} lines`)
    lines.forEach((line, index) => {
      if (/\b(TODO|FIXME|XXX)\b/.test(line)) wrong.push(`${file}:${index + 1}: leftover`)
      if (/console\.(log|error|warn)\(/.test(line) && !file.startsWith('src/cli'))
        wrong.push(`${file}:${index + 1}: output outside the cli`)
    })
  }
  expect(wrong).toEqual([])
})

test('tests are all switched on', () => {
  const wrong = sources('test').filter(
    (file) =>
      file !== 'test/tidy.test.ts' &&
      /\b(it|test|describe)\.(only|todo|skip)\(/.test(readFileSync(file, 'utf8')),
  )
  expect(wrong).toEqual([])
})

test('links of the documentation lead somewhere', () => {
  const pages = (folder: string): string[] =>
    readdirSync(folder).flatMap((name) => {
      const path = join(folder, name)
      if (name === 'node_modules' || name.startsWith('.')) return []
      if (statSync(path).isDirectory()) return pages(path)
      return path.endsWith('.md') ? [path] : []
    })
  const lost = [
    'README.md',
    'ARCHITECTURE.md',
    'CONTRIBUTING.md',
    ...pages('docs'),
    ...pages('bench'),
    ...pages('examples'),
  ]
    .flatMap((page) =>
      [
        ...readFileSync(page, 'utf8')
          .replaceAll(/`[^`]*`/g, '')
          .matchAll(/\]\(([^)#\s]+)[^)]*\)/g),
      ].map((match) => ({
        page,
        link: match[1]!,
      })),
    )
    .filter(({ link }) => !/^[a-z]+:/.test(link))
    .filter(({ page, link }) => !existsSync(join(dirname(page), link)))
  expect(lost).toEqual([])
})
