"""`python -m tools.chain [--seeds N] [--from SEED] [--jobs J]`: play seeds, print what failed with its shortest script."""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor

from tools.chain.play import Outcome, play, shrink

SHRUNK = 3  # so many failing seeds are shortened: each takes a hundred runs


def outcomes(seeds: range, jobs: int) -> Iterator[Outcome]:
    if jobs == 1:
        yield from map(play, seeds)
        return
    with ProcessPoolExecutor(jobs) as pool:
        yield from pool.map(play, seeds, chunksize=4)


def told(outcome: Outcome) -> str:
    """A failing run, as it can be played again."""
    lines = [f"seed {outcome.seed} fails:", *(f"  {what}" for what in outcome.faults)]
    lines += [f"  play({outcome.seed}, ("] + [f"      {act!r}," for act in outcome.script] + ["  ))"]
    return "\n".join(lines)


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tools.chain", description=__doc__)
    parser.add_argument("--seeds", type=int, default=300, help="how many runs")
    parser.add_argument("--from", dest="first", type=int, default=0, help="the first seed")
    parser.add_argument("--jobs", type=int, default=max(1, (os.cpu_count() or 2) // 2), help="processes")
    wanted = parser.parse_args()
    began, bad, sums = time.monotonic(), [], [0, 0, 0, 0]
    for one in outcomes(range(wanted.first, wanted.first + wanted.seeds), wanted.jobs):
        for place, value in enumerate((one.claims, one.false_confirmed, one.sent, one.effective)):
            sums[place] += value
        if not one.good:
            bad.append(one)
            print(f"seed {one.seed}: {one.faults[0]}", flush=True)
    for one in bad[:SHRUNK]:
        print(told(shrink(one)), flush=True)
    claims, false, sent, effective = sums
    took = time.monotonic() - began
    print(
        f'{wanted.seeds} runs from seed {wanted.first}, {len(bad)} failed, {took:.0f} s; {claims} claims of "confirmed"'
    )
    print(f"false {false}; operations sent {sent}, of which changed something {effective}")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
