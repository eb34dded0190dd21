"""Loads table default.events through an Iceberg REST catalog again and again, and holds each snapshot to its own ledger.

usage: follow_catalog.py URI END. Ends when a snapshot holds END events, and prints {"snapshots": how many different ones it read}.
"""

import json
import sys

from pyiceberg.catalog import load_catalog

uri, end = sys.argv[1], int(sys.argv[2])
catalog = load_catalog("landfall", type="rest", uri=uri)
seen = set()
count = 0
while count < end:
    table = catalog.load_table("default.events")
    snapshot = table.current_snapshot()
    if snapshot is None:
        continue
    ledger = json.loads(table.properties.get("landfall.counters", "{}"))
    landed = sum(counts["landed"] for counts in ledger.values())
    ids = table.scan(selected_fields=("event_id",)).to_arrow()["event_id"].to_pylist()
    assert len(ids) == len(set(ids)) == landed, (len(ids), len(set(ids)), landed)
    assert landed >= count, (landed, count)
    count = landed
    seen.add(snapshot.snapshot_id)
json.dump({"snapshots": len(seen)}, sys.stdout)
