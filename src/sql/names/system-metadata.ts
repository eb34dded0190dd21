/** `system.metadata`, with Trino's columns. */
import { CATALOG } from '../commands.ts'
import { listRelations } from './listed.ts'
import { columnsOf, emptyTable, type MetadataTable } from './metadata-table.ts'

const PROPERTIES = 'catalog_name, property_name, default_value, type, description'

/** The connector that Trino would read the same tables with. */
const CONNECTORS: Readonly<Record<string, string>> = { [CATALOG]: 'iceberg' }

export const systemMetadata: Readonly<Record<string, MetadataTable>> = {
  analyze_properties: emptyTable(PROPERTIES),
  catalogs: {
    columns: columnsOf('catalog_name, connector_id, connector_name'),
    rows: (contents) =>
      Object.keys(contents.catalogs).map((catalog) => [catalog, catalog, CONNECTORS[catalog] ?? catalog]),
  },
  column_properties: emptyTable(PROPERTIES),
  materialized_view_properties: emptyTable(PROPERTIES),
  materialized_views: emptyTable(
    `catalog_name, schema_name, name, storage_catalog, storage_schema, storage_table, freshness, owner, comment, definition`,
  ),
  schema_properties: {
    columns: columnsOf(PROPERTIES),
    rows: () => [[CATALOG, 'location', '', 'varchar', 'Where the tables of the schema are']],
  },
  table_comments: {
    columns: columnsOf('catalog_name, schema_name, table_name, comment'),
    rows: (contents) =>
      Object.keys(contents.catalogs).flatMap((catalog) =>
        listRelations(contents, catalog).map(({ schema, name }) => [catalog, schema, name, null]),
      ),
  },
  table_properties: {
    columns: columnsOf(PROPERTIES),
    rows: () => [
      [CATALOG, 'format', 'PARQUET', 'varchar', 'Format of the data files'],
      [CATALOG, 'format_version', '2', 'integer', 'Version of the Iceberg format'],
      [CATALOG, 'location', '', 'varchar', 'Where the table is'],
      [CATALOG, 'partitioning', '[]', 'array(varchar)', 'Transforms of columns that group rows into files'],
    ],
  },
}
