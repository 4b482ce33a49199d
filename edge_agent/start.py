"""`estate-edge`: `run` starts light here; what only the other commands need (tables, help, colours) is not loaded for months."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from edge_agent.config import AlreadyRunning, ConfigMissing


def main() -> None:
    """`run` here, every other command in `edge_agent.cli`. Its help is there too."""
    if sys.argv[1:2] != ["run"] or "--help" in sys.argv:
        from edge_agent.cli import app

        app()
        return
    parser = argparse.ArgumentParser(prog="estate-edge run")
    parser.add_argument("--dir", type=Path, required=True)
    parser.add_argument("--verbose", action=argparse.BooleanOptionalAction, default=False)
    given = parser.parse_args(sys.argv[2:])
    from edge_agent.run import run

    try:
        run(given.dir, verbose=given.verbose)
    except (AlreadyRunning, ConfigMissing) as error:
        sys.exit(f"estate-edge: {error}")


if __name__ == "__main__":
    main()
