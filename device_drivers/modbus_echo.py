"""A two-wire adapter that hears itself gives each request back first. Pure.

A read shows it, and one always comes first on a line; a write's echo looks like its answer, so it must be known by then.
"""

from __future__ import annotations

from device_drivers.modbus_turn import Turn


class Echo:
    def __init__(self) -> None:
        self.heard = False

    def strip(self, turn: Turn, data: bytes) -> bytes | None:
        """What came in without the echo of `turn`'s frame; None while it may still become one."""
        frame = turn.frame
        if turn.request.writes and not turn.echo_due:
            return data
        if len(data) < len(frame):  # an adapter gives it in pieces; no answer to a read begins as its request does
            return None if frame.startswith(data) and (turn.echo_due or not turn.request.writes) else data
        if not data.startswith(frame) or (self.heard and not turn.echo_due):
            return data
        self.heard, turn.echo_due = True, False
        return data[len(frame) :]
