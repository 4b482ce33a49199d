"""A box that starts while its disk takes nothing (run with its directory): until the door opened every write to a file fails.

Prints `opened` once the door opened, then gives the disk room again, and prints how many passes the hub has in the end.
"""

from __future__ import annotations

import json
import resource
import sys
from pathlib import Path

from edge_twins import EDGE, run
from failing import Estate

from device_drivers.contract.messages import EdgeStatus, decode, topic


def writes(estate: Estate) -> bool:
    """What the hub last heard of the box's disk."""
    return decode(EdgeStatus, estate.broker.retained[topic(EdgeStatus, EDGE)]).disk_writes


def main(root: Path) -> None:
    key = (root / "hub_key").read_text()
    estate = Estate(root)
    estate.place.hub_key.write_text(key)
    hard = resource.getrlimit(resource.RLIMIT_FSIZE)[1]
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, hard))

    async def work() -> None:
        async with estate.box() as agent:
            await estate.opens()
            print("opened", flush=True)
            await estate.reached(lambda: not writes(estate), "the hub knows that the disk takes nothing")
            resource.setrlimit(resource.RLIMIT_FSIZE, (hard, hard))
            await estate.reached(lambda: len(estate.passes()) >= 1, "the pass at the hub")
            await estate.reached(lambda: agent.journal.cursor == agent.journal.head, "all acknowledged")
            await estate.reached(lambda: not agent.state.volatile, "the state is on the disk again")
            await estate.reached(lambda: writes(estate), "and that it takes again")
            agent.state.keep("after", "1")
            print(json.dumps([len(estate.passes()), agent.journal.epoch, [n.what for n in estate.notes()]]))

    run(work())


if __name__ == "__main__":
    main(Path(sys.argv[1]))
