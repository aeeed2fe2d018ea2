"""Build the wheel from tracked files only: neither an old build folder nor an untracked file gets in.

    python .ci/tracked.py FOLDER

copies what `git ls-files` names to a temporary folder, builds there with the setuptools of this interpreter,
and leaves the wheel in FOLDER.
"""

import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent


def tracked_files(root: Path = ROOT) -> list[str]:
    """Paths that git tracks and that are still there, links included."""
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=root, check=True, capture_output=True, text=True).stdout
    return [name for name in listed.split("\0") if name and (root / name).exists()]


def copy_tracked(target: Path, root: Path = ROOT) -> None:
    """Copy the tracked files to `target`; links stay links."""
    for name in tracked_files(root):
        place = target / name
        place.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(root / name, place, follow_symlinks=False)


def build_wheel(folder: Path, root: Path = ROOT) -> Path:
    """Build into `folder` and return the path of the wheel."""
    with tempfile.TemporaryDirectory() as scratch:
        source = Path(scratch, "source")
        copy_tracked(source, root)
        wheel = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation"]
        subprocess.run([*wheel, "--wheel-dir", str(folder.resolve()), str(source)], check=True)
    (built,) = folder.glob("clinsim-*.whl")
    return built


if __name__ == "__main__":
    print(build_wheel(Path(sys.argv[1])))
