"""Executes notebooks, and says whether what is stored in them is what comes out."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path
from unittest import mock

import nbformat
from nbclient import NotebookClient
from nbformat import NotebookNode

SECONDS = 240
"""Wall time that a cell may take before the run is given up."""


def read(path: Path) -> NotebookNode:
    """The notebook as it is stored."""
    notebook: NotebookNode = nbformat.read(path, as_version=4)  # type: ignore[no-untyped-call]
    return notebook


def executed(path: Path) -> NotebookNode:
    """The notebook after running all its cells in an empty folder.

    Raises:
        CellExecutionError: A cell fails.
    """
    notebook: NotebookNode = read(path)
    with tempfile.TemporaryDirectory() as folder, mock.patch.dict(os.environ, {"MPLBACKEND": "module://matplotlib_inline.backend_inline"}):
        client = NotebookClient(notebook, timeout=SECONDS, kernel_name="python3", record_timing=False, resources={"metadata": {"path": folder}})
        client.execute()
    notebook.metadata.pop("language_info", None)
    return notebook


def words(notebook: NotebookNode) -> list[str]:
    """What each cell prints and returns as text; pictures are left out, since fonts differ between machines."""
    return ["".join(map(_text, cell.outputs)) for cell in notebook.cells if cell.cell_type == "code"]


def _text(output: NotebookNode) -> str:
    return str(output.get("text") or output.get("data", {}).get("text/plain", ""))


def refresh(folder: Path) -> Iterator[Path]:
    """Execute each notebook again and store what comes out; those that have changed."""
    for path in sorted(folder.glob("*.ipynb")):
        notebook = executed(path)
        if words(notebook) != words(read(path)):
            path.write_text(nbformat.writes(notebook) + "\n", encoding="utf-8")  # type: ignore[no-untyped-call]
            yield path
