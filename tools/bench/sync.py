"""`sync.false_confirmed`: 1,000 random fault runs of the whole chain, and how often the hub showed what was not so.

Reference: every time that "in step" or "confirmed" was shown and held against the device. `python -m tools.chain` plays more.
"""

from __future__ import annotations

import os

from tools.bench.figure import Figure
from tools.chain.__main__ import outcomes

RUNS = int(os.environ.get("ESTATE_CHAIN_RUNS", "1000"))
FIRST = 10_000  # seeds that no test has been made to fit


def measure() -> list[Figure]:
    claims = false = steps = sent = effective = 0
    failed: list[int] = []
    for one in outcomes(range(FIRST, FIRST + RUNS), max(1, os.cpu_count() or 1)):
        claims += one.claims
        false += one.false_confirmed
        steps += len(one.script)
        sent += one.sent
        effective += one.effective
        failed += [] if one.good else [one.seed]
    if not claims:
        raise RuntimeError("nothing was ever shown as confirmed: nothing was measured")
    said = (
        f"false of {RUNS:,} runs, {steps:,} steps, seeds {FIRST}–{FIRST + RUNS - 1}, {len(failed)} runs with any fault"
    )
    said += f": {', '.join(map(str, failed))}" if failed else ""
    return [
        Figure(
            "sync.false_confirmed",
            false,
            said,
            f'{claims:,} claims of "confirmed" checked; operations sent ÷ needed {sent / max(1, effective):.2f}',
            round(false / claims, 6),
            "0",
            false == 0,
        )
    ]
