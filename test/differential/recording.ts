/**
 * What the real Trino 476 answered, in `recorded/<file>.json`, so that the comparison runs where no Java is. Written by
 * `node test/differential/record.ts` only.
 */
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Answer } from './answers.ts'

/** By the hash of the statement; the name is for who reads it. */
export type Recording = Record<string, { name: string } & Answer>

const pathOf = (file: string) => join(import.meta.dirname, 'recorded', `${file}.json`)

export function readRecording(file: string): Recording {
  return existsSync(pathOf(file)) ? (JSON.parse(readFileSync(pathOf(file), 'utf8')) as Recording) : {}
}

/** One statement a line, so that a change of one is one line of a difference. */
export function writeRecording(file: string, recording: Recording): void {
  const lines = Object.entries(recording).map(([hash, answer]) => `"${hash}": ${JSON.stringify(answer)}`)
  writeFileSync(pathOf(file), `{\n${lines.join(',\n')}\n}\n`)
}
