"""`python -m clinsim`: the command line."""

from __future__ import annotations

from clinsim.cli import main

if __name__ == "__main__":
    main()
