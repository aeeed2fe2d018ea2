"""Pages state what is so: examples run, output and generated tables are up to date, links lead somewhere."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", ROOT / "CHANGELOG.md", *sorted((ROOT / "docs").glob("*.md"))]
LINK = re.compile(r"\]\(([^)\s]+)\)")
HEADING = re.compile(r"^#+ (.+)$", re.MULTILINE)


@pytest.fixture(autouse=True)
def _generators(monkeypatch):
    monkeypatch.syspath_prepend(ROOT / "docs")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_page_is_up_to_date(page):
    import generate

    text = page.read_text(encoding="utf-8")
    assert generate.rendered(text) == text, "run docs/generate.py"


def test_figure_is_up_to_date():
    import figure

    assert figure.is_current(), "run docs/generate.py"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page):
    for target in LINK.findall(page.read_text(encoding="utf-8")):
        if "://" in target:
            continue
        name, _, anchor = target.partition("#")
        file = (page.parent / name).resolve() if name else page
        assert file.exists(), f"{page.name}: {target}"
        if anchor:
            headings = {_anchor(title) for title in HEADING.findall(file.read_text(encoding="utf-8"))}
            assert anchor in headings, f"{page.name}: {target}"


def _anchor(title):
    return re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-")


def test_tree_of_the_readme_is_there():
    tree = re.search(r"## The tree\n\n```\n(.*?)```", (ROOT / "README.md").read_text(encoding="utf-8"), re.DOTALL)
    folder, named = ROOT, []
    for line in tree[1].splitlines():
        first = line.split()[0]
        folder = folder if line.startswith(" ") else ROOT / first
        named += [folder / first if line.startswith(" ") else folder, *(folder / name for name in re.findall(r"\w+\.py", line))]
    assert [str(path.relative_to(ROOT)) for path in named if not path.exists()] == []


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("```console\n$ clinsim scenarios --nonsense\n```\n", "left with 2"),
        ("```console\n$ rm -r .\n```\n", "only clinsim"),
        ("```console\n$ clinsim scenarios # exit code 2\n```\n", "left with 0"),
    ],
)
def test_command_that_does_not_hold_is_found(text, problem):
    import generate

    with pytest.raises(RuntimeError, match=problem):
        generate.rendered(text)


def test_output_that_is_not_so_is_replaced():
    import generate

    wrong = "```python\nprint(1 + 1)\n```\n\n```text\n3\n```\n"
    assert generate.rendered(wrong) == wrong.replace("3", "2")
