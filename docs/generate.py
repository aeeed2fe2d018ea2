"""Write what the pages state: generated tables, output of examples, the figure, the notebooks.

    .venv/bin/python docs/generate.py            # bring everything up to date
    .venv/bin/python docs/generate.py --check    # only say which pages are not

In README.md and docs/*.md three things are not written by hand:

- what stands between `<!-- generated: NAME -->` and `<!-- /generated -->` is made by the function NAME of `tables.py`,
  `clinical.py`, `domain_tables.py`, `medicines.py` or `scores.py`;
- each ```python block is executed, the blocks of a page one after the other in one namespace and an empty folder; a ```text block
  right after it holds what it prints;
- in a ```console block each line `$ clinsim ...` is executed in that folder; lines below it hold what it prints, if any stand there. A
  command that is meant to fail says so: `# exit code 2`.
"""

from __future__ import annotations

import io
import os
import re
import shlex
import sys
import tempfile
from collections.abc import Iterator
from contextlib import chdir, redirect_stderr, redirect_stdout
from pathlib import Path
from typing import Any
from unittest import mock

ROOT = Path(__file__).resolve().parent.parent
COLUMNS = 120
"""Width of the terminal in which commands print."""

GENERATED = re.compile(r"(<!-- generated: (\w+) -->\n).*?(<!-- /generated -->)", re.DOTALL)
BLOCK = re.compile(r"^```(python|console)\n(.*?)^```\n(?:(\n*```text\n).*?^```\n)?", re.DOTALL | re.MULTILINE)
EXIT_CODE = re.compile(r"\s+# exit code (\d)$")


def pages(root: Path = ROOT) -> list[Path]:
    """The pages: README.md, then docs/*.md by name."""
    return [root / "README.md", *sorted((root / "docs").glob("*.md"))]


def rendered(text: str) -> str:
    """A page as it should stand: tables made anew, examples executed in an empty folder."""
    import clinical
    import domain_tables
    import medicines
    import scores
    import tables

    made = {**vars(tables), **vars(clinical), **vars(domain_tables), **vars(medicines), **vars(scores)}
    text = GENERATED.sub(lambda found: f"{found[1]}{made[found[2]]().strip()}\n{found[3]}", text)
    names: dict[str, Any] = {"__name__": "example"}
    with tempfile.TemporaryDirectory() as folder, chdir(folder), mock.patch.dict(os.environ, {"COLUMNS": str(COLUMNS), "TERM": "dumb"}):
        return BLOCK.sub(lambda found: _executed(found, names), text)


def _executed(found: re.Match[str], names: dict[str, Any]) -> str:
    kind, body, fence = found[1], found[2], found[3]
    if kind == "console":
        return f"```console\n{''.join(_commands(body))}```\n"
    printed = io.StringIO()
    with redirect_stdout(printed):
        exec(compile(body, "<example>", "exec"), names)
    stated = f"{fence}{_tidy(printed.getvalue())}```\n" if fence else ""
    return f"```python\n{body}```\n{stated}"


def _commands(body: str) -> Iterator[str]:
    """Each command of a console block, with what it prints now if the block states what it prints."""
    for part in re.split(r"^(?=\$ )", body, flags=re.MULTILINE):
        if not part:
            continue
        line, _, stated = part.partition("\n")
        printed = _run(line)
        yield f"{line}\n{_tidy(printed) if stated.strip() else ''}"


def _run(line: str) -> str:
    """What a command prints, standard error last.

    Raises:
        RuntimeError: It leaves with another exit code than the line says.
    """
    from clinsim.cli import code_of

    wanted = EXIT_CODE.search(line)
    program, *arguments = shlex.split(EXIT_CODE.sub("", line).removeprefix("$ "))
    if program != "clinsim":
        raise RuntimeError(f"{line!r}: only clinsim is executed here; use a sh block for what is not")
    out, err = io.StringIO(), io.StringIO()
    with redirect_stdout(out), redirect_stderr(err):
        code = code_of(arguments)
    if code != (int(wanted[1]) if wanted else 0):
        raise RuntimeError(f"{line!r} left with {code}: {err.getvalue() or out.getvalue()}")
    return out.getvalue() + err.getvalue()


def _tidy(text: str) -> str:
    lines = [line.rstrip() for line in text.strip("\n").splitlines()]
    return "".join(f"{line}\n" for line in lines)


def outdated(root: Path = ROOT) -> list[Path]:
    """The pages that are not as they should be."""
    return [page for page in pages(root) if rendered(page.read_text(encoding="utf-8")) != page.read_text(encoding="utf-8")]


def write_all(root: Path = ROOT) -> Iterator[Path]:
    """Bring pages, figure and notebooks up to date; each file that has changed."""
    import figure
    import stories

    for page in pages(root):
        before = page.read_text(encoding="utf-8")
        after = rendered(before)
        if after != before:
            page.write_text(after, encoding="utf-8")
            yield page
    if not figure.is_current():
        yield figure.draw()
    yield from stories.refresh(root / "notebooks")


def main(arguments: list[str]) -> int:
    """Write, or with `--check` only look; 1 if a page is out of date."""
    os.environ.setdefault("MPLBACKEND", "Agg")
    if arguments == ["--check"]:
        found = outdated()
        sys.stdout.writelines(f"{page.relative_to(ROOT)}: out of date; run docs/generate.py\n" for page in found)
        return 1 if found else 0
    for path in write_all():
        sys.stdout.write(f"{path.relative_to(ROOT)}: brought up to date\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
