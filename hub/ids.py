"""Random ids. They say nothing of the thing or the person they stand for."""

from __future__ import annotations

import secrets
import string

_ALPHABET = string.ascii_lowercase + string.digits
TOKEN_LENGTH = 20


def random_text(length: int) -> str:
    """`length` characters of `[a-z0-9]` from the system's random source."""
    number, characters = secrets.randbelow(len(_ALPHABET) ** length), []  # asked once: a pull makes thousands
    for _ in range(length):
        number, digit = divmod(number, len(_ALPHABET))
        characters.append(_ALPHABET[digit])
    return "".join(characters)


def new_id(prefix: str) -> str:
    """`{prefix}-{12 random characters}`."""
    return f"{prefix}-{random_text(12)}"


def new_token() -> str:
    """A credential's token: 20 characters (a face terminal's customId takes 48)."""
    return random_text(TOKEN_LENGTH)
