"""Lists that are being made let revocations by: between two lists the job waits until those that were just sent are answered.

In one process only. Beside another one the lists merely do not wait.
"""

from __future__ import annotations

import threading
import time

LONGEST_S = 1.0  # a device that is not there answers never


class RightOfWay:
    """Safe on every thread."""

    def __init__(self) -> None:
        self._until = 0.0  # on the steady clock
        self._freed = threading.Condition()

    def take(self) -> None:
        """Somebody may lose access: orders are about to be sent, or were."""
        with self._freed:
            self._until = time.monotonic() + LONGEST_S

    def free(self) -> None:
        """There were none, or all of them were answered."""
        with self._freed:
            self._until = 0.0
            self._freed.notify_all()

    def give(self) -> None:
        """Wait while it is taken; not longer, however often it is taken again meanwhile: lists must come through a stream of
        revocations too."""
        patience = time.monotonic() + LONGEST_S
        with self._freed:
            while (left := min(self._until, patience) - time.monotonic()) > 0:
                self._freed.wait(left)
