/** The files that `landfall init` writes. */
export function pipelineFile(name: string): string {
  return `import { definePipeline, Type } from 'landfall'

// What happens in the game, and which properties each event has. track() and the tables follow from it.
export default definePipeline({
  name: '${name}',
  events: {
    purchase_sword: Type.Object({ type: Type.String(), cost: Type.Integer({ minimum: 0 }) }),
    join_guild: Type.Object({ guild: Type.String() }),
  },

  // Each table takes some events; its columns are the named headers and the properties of those events.
  tables: {
    purchases: { events: '*purchase*', headers: ['Host', 'User-Agent'] },
    guilds: { events: ['join_guild'], headers: ['Host', 'User-Agent'] },
  },
  subject: 'Host',

  // The application's own API. The answer leaves after the event is durable.
  routes: {
    'GET /purchase_a_sword/:type': ({ params }, { track }) => {
      track('purchase_sword', { type: params.type, cost: params.type.length })
      return \`Sword Purchased! \${params.type}\\n\`
    },
    'GET /join_guild/:guild': ({ params }, { track }) => {
      track('join_guild', { guild: params.guild })
      return \`Joined Guild: \${params.guild}!\\n\`
    },
  },

  questions: {
    money: { title: 'Money per player', sql: 'select host, sum(cost) as money from purchases group by host order by money desc' },
    guilds: { title: 'Joins per guild', sql: 'select guild, count(*) as joins from guilds group by guild order by joins desc' },
  },

  // What "landfall simulate pipeline.ts" sends.
  settings: {
    simulate: {
      routes: {
        'GET /purchase_a_sword/:type': { weight: 3, params: { type: ['sabre', 'katana', 'rapier'] } },
        'GET /join_guild/:guild': { params: { guild: ['house_stark', 'grubs'] } },
      },
    },
  },
})
`
}

export function packageFile(name: string, landfall: string): string {
  const manifest = {
    name,
    private: true,
    type: 'module',
    scripts: { start: 'landfall up pipeline.ts --watch', check: 'tsc --noEmit' },
    dependencies: { landfall },
    devDependencies: { typescript: '^7.0.2' },
  }
  return `${JSON.stringify(manifest, null, 2)}\n`
}

export function tsconfigFile(): string {
  const compilerOptions = {
    target: 'es2024',
    module: 'nodenext',
    strict: true,
    noEmit: true,
    erasableSyntaxOnly: true,
    allowImportingTsExtensions: true,
    skipLibCheck: true,
  }
  return `${JSON.stringify({ compilerOptions, include: ['*.ts'] }, null, 2)}\n`
}
