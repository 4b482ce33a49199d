"""A keypad on a reader's line: keys as they come, collected to a PIN. Pure: the time is an argument.

Wiegand keypads deliver each key as a burst of 4 bits (`keys4`: the key's number, 10 for `*`, 11 for `#`) or of 8 bits (`keys8`:
the same in the low half, its complement in the high half), or the whole PIN as one card frame after `#` (`frame`: then a typed
PIN looks like a card, and the edge tries both). General knowledge of such keypads, as a site finds them; no board's register
map says more than "a number arrived".
"""

from __future__ import annotations

from typing import Literal

Delivery = Literal["none", "keys4", "keys8", "frame"]
CLEAR, END = 10, 11
GAP_S = 10.0  # who stops typing for so long begins anew
MOST = 12  # digits; more is no PIN


def key_of(number: int, delivery: Delivery) -> int | None:
    """Which key a delivered number is: 0 to 9, CLEAR, END; None for what is no key (a card)."""
    if delivery == "keys4":
        return number if 0 <= number <= END else None
    if delivery == "keys8":
        low = number & 0x0F
        return low if number == ((~low & 0x0F) << 4 | low) and low <= END else None
    return None


class Keypad:
    """One keypad. `number`s come as the board delivers them."""

    def __init__(self, delivery: Delivery) -> None:
        self.delivery = delivery
        self._typed = ""
        self._at = 0.0

    def feed(self, number: int, now_s: float) -> tuple[bool, str]:
        """(whether it was a key, the PIN that is complete with it, else empty). `now_s`: monotonic seconds."""
        key = key_of(number, self.delivery)
        if key is None:
            self._typed = ""  # a card in between: whoever types next begins anew
            return False, ""
        if now_s - self._at > GAP_S:
            self._typed = ""
        self._at = now_s
        typed, self._typed = self._typed, ""
        if key == END:
            return True, typed if len(typed) <= MOST else ""
        if key != CLEAR:
            self._typed = (typed + str(key))[: MOST + 1]
        return True, ""
