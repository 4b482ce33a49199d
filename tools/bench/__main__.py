"""`python -m tools.bench [NAME …]`: measure, print a table, write build/bench.json."""

from __future__ import annotations

import argparse
import importlib
import json
import sys
from pathlib import Path

from rich.console import Console
from rich.table import Table

from tools.bench.figure import Figure

OUT = Path(__file__).resolve().parents[2] / "build/bench.json"
MODULES = {
    "decision": "an access decision at the edge",
    "revoke": "a signed decision until every device was read back without the person",
    "publish": "a tenancy change until the lists are published",
    "drift": "10,000 people on 50 terminals, 5 % of the entries lost or altered",
    "city": "every list of a city of a million people",
    "sync": "what is shown as confirmed, in a thousand runs in which everything goes wrong",
    "nightly": "a night of a city from stored days, and 400 days judged anew",
    "ingest": "events through broker and hub into the database",
    "modbus": "one bus against the bare library, a bus of 32 boards, one pulse an open",
    "terminal": "300 face terminals send records with pictures and wait for each acknowledgement",
    "many": "300 terminals, 64 boards and 50 cameras simulated in one process",
    "edge": "memory and start of an edge with 100 devices",
    "face": "one face against ten thousand",
    "demo": "time to ready, and a pass to the screen",
    "detect": "how often leads are right, on cities the detector has never seen",
    "setup": "set-up in a fresh clone with empty caches",
}
OPTIONAL = {"peers": "CPU a poll against Node-RED and thingsboard-gateway, installed for it into .cache"}
"""Only when asked for by name."""


def run(names: list[str], out: Console) -> list[Figure]:
    figures: list[Figure] = []
    for name in names:
        with out.status(f"{name}: {(MODULES | OPTIONAL)[name]}"):
            figures += importlib.import_module(f"tools.bench.{name}").measure()
    return figures


def table(figures: list[Figure]) -> Table:
    made = Table("figure", "value", "unit", "measured against", "ratio", "goal", "met")
    for f in figures:
        met = "" if f.met is None else "yes" if f.met else "NO"
        made.add_row(
            f.name, f"{f.value:g}", f.unit, f.reference, "" if f.ratio is None else f"{f.ratio:g}", f.goal, met
        )
    return made


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tools.bench", description=__doc__)
    known = f"some of: {', '.join(MODULES)} (default: all); only by name: {', '.join(OPTIONAL)}"
    parser.add_argument("names", nargs="*", choices=[[], *MODULES, *OPTIONAL], help=known)
    names = parser.parse_args().names or list(MODULES)
    out = Console(width=200 if not sys.stdout.isatty() else None)
    figures = run(names, out)
    OUT.parent.mkdir(exist_ok=True)
    old = json.loads(OUT.read_text()) if OUT.exists() else []
    fresh = {f.name for f in figures}
    OUT.write_text(json.dumps([o for o in old if o["name"] not in fresh] + [f.as_json() for f in figures], indent=1))
    out.print(table(figures))
    return 0


if __name__ == "__main__":
    sys.exit(main())
