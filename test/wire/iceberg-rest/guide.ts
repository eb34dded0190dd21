import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Lakehouse } from './open-lakehouse.ts'

const GUIDE = join(import.meta.dirname, '../../../docs/guide/iceberg-readers.md')

/** A block of the guide under a heading, with the address of a running door: what the guide says is what the tests run. */
export function guideBlock(heading: string, language: string, { catalog }: Lakehouse): string {
  const section = readFileSync(GUIDE, 'utf8')
    .split(/^## /m)
    .find((part) => part.startsWith(`${heading}\n`))
  const block = section?.split(`\`\`\`${language}\n`)[1]?.split('```')[0]
  if (block === undefined) throw new Error(`the guide has no ${language} block under ${heading}`)
  return block.replaceAll('http://127.0.0.1:8080/iceberg', catalog)
}

/** Lines `name=value`. */
export function propertiesOf(block: string): Record<string, string> {
  const lines = block.split('\n').filter((line) => line.includes('='))
  return Object.fromEntries(lines.map((line) => line.split(/\s*=\s*(.*)/, 2) as [string, string]))
}
