/**
 * What `npm pack` and `npm publish` run before and after (`prepack`, `postpack`):
 *
 *   node scripts/pack.ts          compiles src/ into dist/ and puts the package's manifest in the place of the repository's
 *   node scripts/pack.ts --undo   puts the repository's back
 *
 * Two manifests, because they differ in what npm cannot switch: the repository runs its TypeScript and brings its own Node
 * (189 MB); the package ships JavaScript and wants Node 24 of whoever installs it. Killed in between, the repository is left
 * with the wrong manifest: its own waits in .cache/, and either command puts it back first.
 */
import { spawnSync } from 'node:child_process'
import {
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { dirname, extname, join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import { type Manifest, publishedManifest } from './published-manifest.ts'

const root = dirname(dirname(fileURLToPath(import.meta.url)))
const manifest = join(root, 'package.json')
const saved = join(root, '.cache', 'package.json.repository')

/** The repository's manifest is moved aside and back by rename, so at each moment one of the two names has it whole. */
function restore(): void {
  if (existsSync(saved)) renameSync(saved, manifest)
}

function swap(): void {
  const repository = readFileSync(manifest, 'utf8')
  const published = publishedManifest(JSON.parse(repository) as Manifest)
  mkdirSync(dirname(saved), { recursive: true })
  writeFileSync(`${saved}.tmp`, repository)
  renameSync(`${saved}.tmp`, saved)
  writeFileSync(`${manifest}.tmp`, `${JSON.stringify(published, null, 2)}\n`)
  renameSync(`${manifest}.tmp`, manifest)
}

function compile(): void {
  rmSync(join(root, 'dist'), { recursive: true, force: true })
  const tsc = join(root, 'node_modules', 'typescript', 'bin', 'tsc')
  const builds = [
    ['-p', 'tsconfig.build.json'],
    // The dashboard's page runs in browsers, so it is compiled against their library.
    ['-p', 'tsconfig.page.json', '--noEmit', 'false', '--noEmitOnError'],
  ]
  for (const build of builds) {
    const done = spawnSync(process.execPath, [tsc, ...build], { cwd: root, stdio: 'inherit' })
    if (done.status !== 0) throw new Error('tsc found errors: nothing is packed')
  }
  finishDeclarations()
  copyAssets()
}

/** tsc rewrites `./name.ts` in JavaScript and leaves it in declarations, where there is no such file: `.js` finds the `.d.ts`. */
function finishDeclarations(): void {
  for (const name of readdirSync(join(root, 'dist'), { recursive: true, encoding: 'utf8' })) {
    if (!name.endsWith('.d.ts')) continue
    const path = join(root, 'dist', name)
    writeFileSync(
      path,
      readFileSync(path, 'utf8').replace(/(\b(?:from|import\() *['"]\.[^'"]*)\.ts(['"])/g, '$1.js$2'),
    )
  }
}

/** What lies between the sources and is not one of them (a page's HTML, say) goes along. */
function copyAssets(): void {
  for (const entry of readdirSync(join(root, 'src'), { recursive: true, withFileTypes: true })) {
    if (!entry.isFile() || extname(entry.name) === '.ts') continue
    const from = join(entry.parentPath, entry.name)
    cpSync(from, join(root, 'dist', relative(join(root, 'src'), from)))
  }
}

restore()
if (!process.argv.includes('--undo')) {
  compile()
  swap()
}
