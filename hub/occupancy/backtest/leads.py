"""leads.csv."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from pathlib import Path

from hub.occupancy.backtest.chunk import day_of
from hub.occupancy.backtest.history import History
from hub.occupancy.backtest.replay import Lead

HEADER = (
    "dwelling_id",
    "kind",
    "stage",
    "probability",
    "opened_on",
    "closed_on",
    "families",
    "because",
    "against",
    "rule",
    "policy_version",
)


def write_leads(file: Path, leads: Sequence[Lead], history: History) -> None:
    """Rows by day, then dwelling and kind."""
    with file.open("w", encoding="utf-8", newline="") as opened:
        writer = csv.writer(opened, lineterminator="\n")
        writer.writerow(HEADER)
        for lead in sorted(leads, key=lambda one: (one.opened, one.dwelling, one.kind)):
            closed = "" if lead.closed is None else day_of(lead.closed).isoformat()
            row = (lead.kind, lead.stage, lead.chance, day_of(lead.opened).isoformat(), closed, lead.families)
            name = history.dwellings[lead.dwelling]
            writer.writerow((name, *row, lead.because, lead.against, lead.rule, lead.policy_version))
