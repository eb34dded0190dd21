import { randomUUID } from 'node:crypto'
import type { TableDefinition } from '../model/pipeline.ts'
import { formatPosition, type Position } from '../model/position.ts'
import { property } from './lake.ts'
import type { MetadataUpdate, TableMetadata } from './metadata.ts'
import { createPartitionSpec, createSchema, evolveSchema } from './schema.ts'
import { FORMAT_VERSION } from './table-state.ts'

/** The first metadata of a table. */
export function createMetadata(
  definition: TableDefinition,
  location: string,
  nowMs: number,
  initial: { position?: Position; epoch?: number },
): TableMetadata {
  const schema = createSchema(definition)
  const spec = createPartitionSpec(definition, schema)
  const properties: Record<string, string> = {
    [property.formatVersion]: String(FORMAT_VERSION),
    [property.epoch]: String(initial.epoch ?? 0),
    'write.format.default': 'parquet',
    'write.parquet.compression-codec': definition.codec,
    'write.metadata.delete-after-commit.enabled': 'true',
    'write.metadata.previous-versions-max': '20',
  }
  if (initial.position !== undefined) {
    properties[property.position] = formatPosition(initial.position)
    properties[property.begin] = formatPosition(initial.position)
  }
  return {
    'format-version': 2,
    'table-uuid': randomUUID(),
    location,
    'last-sequence-number': 0,
    'last-updated-ms': nowMs,
    'last-column-id': schema.fields.length,
    'current-schema-id': 0,
    schemas: [schema],
    'default-spec-id': 0,
    'partition-specs': [spec],
    'last-partition-id': Math.max(999, ...spec.fields.map((field) => field['field-id'])),
    properties,
    snapshots: [],
    'snapshot-log': [],
    'metadata-log': [],
    'sort-orders': [{ 'order-id': 0, fields: [] }],
    'default-sort-order-id': 0,
    refs: {},
  }
}

/** The metadata with the columns and the codec that the definition asks for; undefined when it has them. */
export function evolvedMetadata(
  metadata: TableMetadata,
  definition: TableDefinition,
  nowMs: number,
): { next: TableMetadata; updates: MetadataUpdate[] } | undefined {
  const schema = evolveSchema(metadata, definition)
  const codec = 'write.parquet.compression-codec'
  const newCodec = metadata.properties[codec] !== definition.codec
  if (schema === undefined && !newCodec) return undefined
  const next = { ...metadata, 'last-updated-ms': Math.max(nowMs, metadata['last-updated-ms'] + 1) }
  const updates: MetadataUpdate[] = []
  if (schema !== undefined) {
    const lastId = Math.max(metadata['last-column-id'], ...schema.fields.map((field) => field.id))
    next['last-column-id'] = lastId
    next['current-schema-id'] = schema['schema-id']
    next.schemas = [...metadata.schemas, schema]
    updates.push({ action: 'add-schema', schema, 'last-column-id': lastId })
    updates.push({ action: 'set-current-schema', 'schema-id': schema['schema-id'] })
  }
  if (newCodec) {
    next.properties = { ...metadata.properties, [codec]: definition.codec }
    updates.push({ action: 'set-properties', updates: { [codec]: definition.codec } })
  }
  return { next, updates }
}
