"""Runs a notebook from top to bottom in a real Jupyter kernel.

argv: notebook. stdin: {"env": {...}}. Prints, as JSON, the text that each code cell had stored and what it prints now."""

import json
import os
import sys

import nbformat
from nbclient import NotebookClient

os.environ.update(json.load(sys.stdin)["env"])
notebook = nbformat.read(sys.argv[1], as_version=4)
nbformat.validate(notebook)


def printed(cells):
    return [
        {"id": cell.id, "count": cell.execution_count, "text": "".join(output.get("text", repr(output)) for output in cell.outputs)}
        for cell in cells
        if cell.cell_type == "code"
    ]


stored = printed(notebook.cells)
NotebookClient(notebook, timeout=120, kernel_name="python3").execute()
print(json.dumps({"stored": stored, "ran": printed(notebook.cells)}))
