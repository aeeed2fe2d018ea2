"""The folders at the root, the links in `clinsim/`, the package list and the wheel say the same."""

import re
import subprocess
import sys
import tomllib
import zipfile
from collections import Counter
from pathlib import Path

import pytest
from setuptools import find_packages

LINKED = ("agents", "hospital", "scenarios", "training")


@pytest.fixture(scope="module")
def tracked(root: Path) -> list[str]:
    if not (root / ".git").exists():
        pytest.skip("no git checkout: nothing says which files are the project's")
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=root, check=True, capture_output=True, text=True).stdout
    return [name for name in listed.split("\0") if name and (root / name).exists()]


@pytest.mark.parametrize("folder", LINKED)
def test_link(root, folder):
    link = root / "clinsim" / folder
    assert link.is_symlink(), f"clinsim/{folder} must be a link: ln -s ../{folder} clinsim/{folder}"
    assert link.readlink() == Path("..", folder)


def test_every_package_is_listed(root):
    found = {"clinsim"} | {f"clinsim.{name}" for name in find_packages(str(root / "clinsim"))}
    listed = set(tomllib.loads((root / "pyproject.toml").read_text())["tool"]["setuptools"]["packages"])
    missing, absent = sorted(found - listed), sorted(listed - found)
    assert not missing, f"add to [tool.setuptools] packages in pyproject.toml: {missing}"
    assert not absent, f"listed under [tool.setuptools] packages, but without an __init__.py: {absent}"


def test_wheel_holds_the_tracked_files(root, tracked, tmp_path):
    command = [sys.executable, str(root / ".ci" / "tracked.py"), str(tmp_path)]
    wheel = subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()
    with zipfile.ZipFile(wheel) as archive:
        built = {name for name in archive.namelist() if not name.split("/")[0].endswith(".dist-info")}
    expected = {
        name if name.startswith("clinsim/") else f"clinsim/{name}"
        for name in tracked
        if name.split("/")[0] in ("clinsim", *LINKED) and not (root / name).is_symlink()
    }
    left_out, foreign = sorted(expected - built), sorted(built - expected)
    assert not left_out, f"tracked but not in the wheel (package-data or packages in pyproject.toml): {left_out}"
    assert not foreign, f"in the wheel but not tracked: {foreign}"


def test_no_file_is_tracked_twice(root):
    if not (root / ".git").exists():
        pytest.skip("no git checkout: nothing says which files are the project's")
    lines = subprocess.run(["git", "ls-files", "-s"], cwd=root, check=True, capture_output=True, text=True).stdout
    files = [line.split("\t") for line in lines.splitlines()]
    blobs = {path: meta.split()[1] for meta, path in files if not meta.startswith("120000")}
    times = Counter(blob for path, blob in blobs.items() if (root / path).exists() and (root / path).stat().st_size)
    twice = sorted(path for path, blob in blobs.items() if times[blob] > 1)
    assert not twice, f"the same content under several names: {twice}"


def test_no_machine_path_is_tracked(root, tracked):
    homes = "|".join(("work", "root", "home/[a-z]", "Users/[A-Za-z]", "farm"))
    machine = re.compile(rf"(?<![A-Za-z0-9_.\-])/(?:{homes})[/a-z]".encode())
    files = [name for name in tracked if not (root / name).is_symlink()]
    assert [name for name in files if machine.search((root / name).read_bytes())] == []
