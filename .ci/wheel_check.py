"""Install the wheel with its core dependencies into an empty environment and use it there, outside the checkout."""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

from tracked import ROOT, build_wheel


def run(command: list[str], folder: Path) -> None:
    """Run a command in `folder`, stop if it fails."""
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    subprocess.run(command, cwd=folder, check=True, env=environment)


def main() -> None:
    """Build, install, import every core module, load every scenario, ask the command line for help."""
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        wheel = build_wheel(folder)
        run([sys.executable, "-m", "venv", "empty"], folder)
        programs = folder / "empty" / "bin"
        constraints = ["--constraint", str(ROOT / "constraints.txt")]
        run([str(programs / "python"), "-m", "pip", "install", "--quiet", *constraints, str(wheel)], folder)
        run([str(programs / "python"), "-I", str(ROOT / ".ci" / "use_installed.py")], folder)
        run([str(programs / "clinsim"), "--help"], folder)
    print(f"wheel-check: {wheel.name} works in an empty environment")


if __name__ == "__main__":
    main()
