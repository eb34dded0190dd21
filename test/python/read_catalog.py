"""Reads through an Iceberg REST catalog with pyiceberg.

usage: read_catalog.py < { "catalog": properties of the catalog, "requests": [...] } > answers.json

requests: those of read_table.py with "table": name, and
  {"op": "namespaces"}, {"op": "tables"}, {"op": "exists", "table"}    what is there
  {"op": "append", "table"}, {"op": "create", "table"}, {"op": "drop", "table"}, {"op": "rename", "table"},
  {"op": "create namespace"}                                           attempts to write
What a request raises is its answer: {"error": name of the exception, "message"}.
"""

import json
import sys

from pyiceberg.catalog import load_catalog

from read_table import answer


def ask(catalog, request):
    op = request["op"]
    if op == "namespaces":
        return [".".join(namespace) for namespace in catalog.list_namespaces()]
    if op == "tables":
        return [".".join(name) for name in catalog.list_tables("default")]
    if op == "create namespace":
        return catalog.create_namespace("other")
    name = f"{request.get('namespace', 'default')}.{request['table']}"
    if op == "exists":
        return catalog.table_exists(name)
    if op == "drop":
        return catalog.drop_table(name)
    if op == "rename":
        return catalog.rename_table(name, "default.other")
    table = catalog.load_table(name)
    if op == "create":
        catalog.create_table("default.other", table.schema())
        return None
    if op == "append":
        table.append(table.scan(limit=1).to_arrow())
        return None
    if op == "property":
        table.transaction().set_properties(owner="somebody").commit_transaction()
        return None
    return answer(table, request)


def attempt(catalog, request):
    try:
        return ask(catalog, request)
    except Exception as error:
        return {"error": type(error).__name__, "message": str(error)}


asked = json.load(sys.stdin)
catalog = load_catalog("landfall", **asked["catalog"])
json.dump([attempt(catalog, request) for request in asked["requests"]], sys.stdout)
