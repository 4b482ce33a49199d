"""(P) A PIN as a way in: lists and the hub's records hold a keyed hash of it, never its digits.

The key is the estate's, the same as for identity cards (`contract.id_card`), and travels inside the signed list. A PIN has few
values: whoever takes an edge box apart can try them all. The hash keeps digits out of pages, logs, backups and lists; guessing
at the door is held up by the edge (`edge_agent.keypad`).
"""

from __future__ import annotations

import hashlib
import hmac

DIGITS = 7
"""Of every PIN that is given out, the first not 0: its number fits the 24 bits of a Wiegand-26 frame, as some keypads send it."""
LENGTH = 32  # hexadecimal digits kept


def could_be(digits: str) -> bool:
    """Whether it has the form of a PIN that is given out; whoever types anything else guesses nothing."""
    return len(digits) == DIGITS and digits.isascii() and digits.isdecimal() and digits[0] != "0"


def hashed(digits: str, key: str) -> str:
    """What a credential's identifier of type `pin` holds."""
    return hmac.new(key.encode(), b"pin:" + digits.encode(errors="replace"), hashlib.sha256).hexdigest()[:LENGTH]
