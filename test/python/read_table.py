"""Reads an Iceberg table with pyiceberg, an independent reader, from its metadata file alone.

usage: read_table.py METADATA_URL [PROPERTY=VALUE…] < requests.json > answers.json

requests: a list of
  {"op": "schema"}                                            field id, name, type of the current schema, and the partition
  {"op": "rows", "filter"?, "snapshot"?, "order"?: column}    all rows as objects
  {"op": "count", "filter"?, "snapshot"?, "ref"?: tag}        number of rows
  {"op": "refs"}                                              name and type of each branch and tag
  {"op": "plan", "filter"?, "snapshot"?}                      number of data files a scan would open
  {"op": "history"}                                           snapshot ids, oldest first
  {"op": "files"}                                             what the manifests say of each live file
filter is text as pyiceberg parses it, or [operator, column, value] with <, <=, =, >=, >, "is null" (decimals as text).
snapshot ids are strings. Times come as ISO text in UTC, decimals as text, NaN and infinities as text.
"""

import datetime
import decimal
import json
import math
import sys

from pyiceberg.expressions import EqualTo, GreaterThan, GreaterThanOrEqual, IsNull, LessThan, LessThanOrEqual
from pyiceberg.table import StaticTable
from pyiceberg.types import DecimalType

COMPARISONS = {"<": LessThan, "<=": LessThanOrEqual, "=": EqualTo, ">=": GreaterThanOrEqual, ">": GreaterThan}


def plain(value):
    if isinstance(value, datetime.datetime):
        return value.astimezone(datetime.timezone.utc).isoformat(timespec="microseconds")
    if isinstance(value, datetime.date):
        return value.isoformat()
    if isinstance(value, decimal.Decimal):
        return format(value, "f")
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) > 2**53:
        return str(value)
    if isinstance(value, bytes):
        return value.hex()
    if isinstance(value, dict):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    return value


def row_filter(table, given):
    if isinstance(given, str):
        return given
    operator, column, value = given
    if operator == "is null":
        return IsNull(column)
    if isinstance(table.schema().find_field(column).field_type, DecimalType):
        value = decimal.Decimal(value)
    return COMPARISONS[operator](column, value)


def scan(table, request):
    options = {}
    if "filter" in request:
        options["row_filter"] = row_filter(table, request["filter"])
    if "snapshot" in request:
        options["snapshot_id"] = int(request["snapshot"])
    scan = table.scan(**options)
    return scan.use_ref(request["ref"]) if "ref" in request else scan


def answer(table, request):
    op = request["op"]
    if op == "schema":
        return {
            "fields": [[field.field_id, field.name, str(field.field_type)] for field in table.schema().fields],
            "partition": [[field.name, str(field.transform)] for field in table.spec().fields],
        }
    if op == "rows":
        rows = scan(table, request).to_arrow().to_pylist()
        if "order" in request:
            rows.sort(key=lambda row: (row[request["order"]] is None, row[request["order"]]))
        return [plain(row) for row in rows]
    if op == "count":
        return scan(table, request).to_arrow().num_rows
    if op == "plan":
        return len(list(scan(table, request).plan_files()))
    if op == "history":
        return [str(entry.snapshot_id) for entry in table.history()]
    if op == "refs":
        return {name: ref.snapshot_ref_type.value for name, ref in table.refs().items()}
    if op == "files":
        columns = ["file_path", "record_count", "file_size_in_bytes", "null_value_counts", "value_counts"]
        return [plain(row) for row in table.inspect.files().select(columns).to_pylist()]
    raise ValueError(f"unknown op {op}")


if __name__ == "__main__":
    properties = dict(one.split("=", 1) for one in sys.argv[2:])
    table = StaticTable.from_metadata(sys.argv[1], properties)
    json.dump([answer(table, request) for request in json.load(sys.stdin)], sys.stdout)
