"""The notebooks run from the first cell to the last, and what is stored in them is what comes out."""

from pathlib import Path

import pytest

NOTEBOOKS = sorted((Path(__file__).resolve().parent.parent / "notebooks").glob("*.ipynb"))
MOST_BYTES = 300_000


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.name)
def test_stored_output_is_what_comes_out(path, root, monkeypatch):
    monkeypatch.syspath_prepend(root / "docs")
    import stories

    stored = stories.read(path)
    assert [words for words in stories.words(stored) if words], "no output is stored: run docs/generate.py"
    assert stories.words(stories.executed(path)) == stories.words(stored), "run docs/generate.py"


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.name)
def test_notebook_is_small(path):
    assert path.stat().st_size < MOST_BYTES
