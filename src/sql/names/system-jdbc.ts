/** `system.jdbc`: what the Trino JDBC driver asks for DatabaseMetaData, with Trino's columns. */
import type { Value } from '../sql.ts'
import { listedType } from '../trino-types.ts'
import type { Contents } from './contents.ts'
import { jdbcType, LISTED_TYPES, PARAMETRIC_TYPES } from './jdbc-types.ts'
import { type Listed, listColumns, listRelations, listSchemas } from './listed.ts'
import { columnsOf, emptyTable, type MetadataTable } from './metadata-table.ts'

/** DatabaseMetaData.columnNullable, .typeNullable, .typeSearchable, .typePredNone. */
const NULLABLE = 1
const TYPE_NULLABLE = 1
const SEARCHABLE = 3
const NOT_SEARCHABLE = 0

function everything(contents: Contents): Listed[] {
  return Object.keys(contents.catalogs).flatMap((catalog) => listRelations(contents, catalog))
}

export const systemJdbc: Readonly<Record<string, MetadataTable>> = {
  attributes: emptyTable(
    `type_cat, type_schem, type_name, attr_name, data_type bigint, attr_type_name, attr_size bigint, decimal_digits bigint,
     num_prec_radix bigint, nullable bigint, remarks, attr_def, sql_data_type bigint, sql_datetime_sub bigint,
     char_octet_length bigint, ordinal_position bigint, is_nullable, scope_catalog, scope_schema, scope_table,
     source_data_type bigint`,
  ),
  catalogs: {
    columns: columnsOf('table_cat'),
    rows: (contents) => Object.keys(contents.catalogs).map((catalog) => [catalog]),
  },
  columns: {
    columns: columnsOf(
      `table_cat, table_schem, table_name, column_name, data_type bigint, type_name, column_size bigint, buffer_length bigint,
       decimal_digits bigint, num_prec_radix bigint, nullable bigint, remarks, column_def, sql_data_type bigint,
       sql_datetime_sub bigint, char_octet_length bigint, ordinal_position bigint, is_nullable, scope_catalog, scope_schema,
       scope_table, source_data_type bigint, is_autoincrement, is_generatedcolumn`,
    ),
    rows: (contents) => listColumns(everything(contents), columnRow),
  },
  procedure_columns: emptyTable(
    `procedure_cat, procedure_schem, procedure_name, column_name, column_type bigint, data_type bigint, type_name,
     precision bigint, length bigint, scale bigint, radix bigint, nullable bigint, remarks, column_def, sql_data_type bigint,
     sql_datetime_sub bigint, char_octet_length bigint, ordinal_position bigint, is_nullable, specific_name`,
  ),
  procedures: emptyTable(
    'procedure_cat, procedure_schem, procedure_name, remarks, procedure_type bigint, specific_name',
  ),
  pseudo_columns: emptyTable(
    `table_cat, table_schem, table_name, column_name, data_type bigint, column_size bigint, decimal_digits bigint,
     num_prec_radix bigint, column_usage, remarks, char_octet_length bigint, is_nullable`,
  ),
  schemas: {
    columns: columnsOf('table_schem, table_catalog'),
    rows: (contents) =>
      Object.keys(contents.catalogs).flatMap((catalog) =>
        listSchemas(contents, catalog).map((schema) => [schema, catalog]),
      ),
  },
  super_tables: emptyTable('table_cat, table_schem, table_name, supertable_name'),
  super_types: emptyTable('type_cat, type_schem, type_name, supertype_cat, supertype_schem, supertype_name'),
  table_types: { columns: columnsOf('table_type'), rows: () => [['TABLE'], ['VIEW']] },
  tables: {
    columns: columnsOf(
      `table_cat, table_schem, table_name, table_type, remarks, type_cat, type_schem, type_name, self_referencing_col_name,
       ref_generation`,
    ),
    rows: (contents) =>
      everything(contents).map(({ catalog, schema, name, isView }) => [
        catalog,
        schema,
        name,
        isView ? 'VIEW' : 'TABLE',
        ...nulls(6),
      ]),
  },
  types: {
    columns: columnsOf(
      `type_name, data_type bigint, precision bigint, literal_prefix, literal_suffix, create_params, nullable bigint,
       case_sensitive boolean, searchable bigint, unsigned_attribute boolean, fixed_prec_scale boolean, auto_increment boolean,
       local_type_name, minimum_scale bigint, maximum_scale bigint, sql_data_type bigint, sql_datetime_sub bigint,
       num_prec_radix bigint`,
    ),
    rows: typeRows,
  },
  udts: emptyTable(
    'type_cat, type_schem, type_name, class_name, data_type bigint, remarks, base_type bigint',
  ),
}

function nulls(count: number): null[] {
  return Array.from({ length: count }, () => null)
}

function columnRow(
  { catalog, schema, name }: Listed,
  column: { name: string; type: string },
  ordinal: number,
): Value[] {
  const { code, size, digits = null, radix = null, octets = null } = jdbcType(column.type)
  const type = [code, listedType(column.type), size, 0, digits, radix, NULLABLE]
  return [
    catalog,
    schema,
    name,
    column.name.toLowerCase(),
    ...type,
    ...nulls(4),
    octets,
    ordinal,
    'YES',
    ...nulls(6),
  ]
}

function typeRows(): Value[][] {
  const row = (
    name: string,
    code: number,
    size: number | null,
    comparable: boolean,
    radix: number | null,
  ) => [
    name,
    code,
    size,
    ...nulls(3),
    TYPE_NULLABLE,
    false,
    comparable ? SEARCHABLE : NOT_SEARCHABLE,
    null,
    false,
    ...nulls(2),
    0,
    0,
    ...nulls(2),
    radix,
  ]
  const simple = LISTED_TYPES.map(([name, comparable]) => {
    const { code, size, radix = null } = jdbcType(name)
    return row(name, code, size, comparable, radix)
  })
  return [
    ...simple,
    ...PARAMETRIC_TYPES.map((name) => row(name, name === 'array' ? 2003 : 2000, null, false, null)),
  ]
}
