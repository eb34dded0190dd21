/** `information_schema` of a catalog, with Trino's columns. */
import { CATALOG, SCHEMA } from '../commands.ts'
import { listedType } from '../trino-types.ts'
import { listColumns, listRelations, listSchemas } from './listed.ts'
import { columnsOf, emptyTable, type MetadataTable } from './metadata-table.ts'

export const INFORMATION_SCHEMA = 'information_schema'

export function informationSchema(catalog: string): Readonly<Record<string, MetadataTable>> {
  return {
    applicable_roles: emptyTable('grantee, grantee_type, role_name, is_grantable'),
    columns: {
      // Trino hides the last three from `*`.
      columns: columnsOf(
        `table_catalog, table_schema, table_name, column_name, ordinal_position bigint, column_default, is_nullable, data_type,
         comment, extra_info, column_comment`,
      ),
      rows: (contents) =>
        listColumns(listRelations(contents, catalog), ({ schema, name }, column, ordinal) => [
          catalog,
          schema,
          name,
          // Trino has the names of columns in lower case.
          column.name.toLowerCase(),
          ordinal,
          null,
          'YES',
          listedType(column.type),
          null,
          null,
          null,
        ]),
    },
    enabled_roles: emptyTable('role_name'),
    roles: emptyTable('role_name'),
    schemata: {
      columns: columnsOf('catalog_name, schema_name'),
      rows: (contents) => listSchemas(contents, catalog).map((schema) => [catalog, schema]),
    },
    table_privileges: emptyTable(
      `grantor, grantor_type, grantee, grantee_type, table_catalog, table_schema, table_name, privilege_type, is_grantable,
       with_hierarchy`,
    ),
    tables: {
      columns: columnsOf('table_catalog, table_schema, table_name, table_type'),
      rows: (contents) =>
        listRelations(contents, catalog).map(({ schema, name, isView }) => [
          catalog,
          schema,
          name,
          isView ? 'VIEW' : 'BASE TABLE',
        ]),
    },
    views: {
      columns: columnsOf('table_catalog, table_schema, table_name, view_definition'),
      rows: (contents) =>
        contents.entries
          .filter(({ kind }) => kind === 'view' && catalog === CATALOG)
          .map(({ name }) => [catalog, SCHEMA, name, contents.viewSql(name)]),
    },
  }
}
