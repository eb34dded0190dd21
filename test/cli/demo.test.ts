import { spawn } from 'node:child_process'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { projectRoot } from '../support/landfall.ts'

/** A table of the demo's output, by the title above it: rows of trimmed cells. */
function tableUnder(output: string, title: string): string[][] {
  const lines = output
    .slice(output.indexOf(`\n${title}\n`))
    .split('\n')
    .slice(5)
  const end = lines.findIndex((line) => line === '')
  return lines.slice(0, end < 0 ? undefined : end).map((line) => line.split('|').map((cell) => cell.trim()))
}

test('npm start -- --once plays the game, prints the right answers and ends with 0', async () => {
  const child = spawn(process.execPath, [join(projectRoot, 'scripts/start.js'), '--once'], { stdio: 'pipe' })
  let output = ''
  let progress = ''
  child.stdout.on('data', (chunk) => (output += chunk))
  child.stderr.on('data', (chunk) => (progress += chunk))
  const code = await new Promise((done) => child.once('close', done))
  expect(code, progress).toBe(0)
  expect(progress).toContain('players 1144/1144')
  expect(progress).not.toContain('\r')

  expect(tableUnder(output, 'How many players buy?')).toEqual([['3']])
  expect(tableUnder(output, 'Who buys most often?')).toEqual([
    ['user1.comcast.com', '156'],
    ['user2.att.com', '156'],
    ['user2.comcast.com', '52'],
  ])
  expect(tableUnder(output, 'Who spends most?').map(([, money]) => money)).toEqual(['2808', '1248', '260'])
  expect(tableUnder(output, 'Which items sell?')).toEqual([
    ['estoc', '104'],
    ['sabre', '104'],
    ['katana', '52'],
    ['leather_shield', '52'],
    ['mirror_shield', '52'],
  ])
  expect(output).toMatch(/\n +780 \| +624\n/)
  expect(tableUnder(output, 'How many members does each guild have now?')).toEqual([
    ['grubs', '156'],
    ['secret_club', '104'],
    ['house_stark', '52'],
  ])
  expect(tableUnder(output, 'Who joins the most different guilds?').map(([, joined]) => joined)).toEqual([
    '2',
    '2',
    '1',
  ])
  expect(tableUnder(output, 'Who leaves guilds?')).toEqual([['user1.comcast.com', '1']])
})
