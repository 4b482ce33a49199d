"""Passwords: the rule, the hash that is kept, and checking one against it."""

from __future__ import annotations

import functools
import secrets

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from hub.errors import BadRequest

MIN_PASSWORD = 10
_passwords = PasswordHasher()


def hash_of(password: str) -> str:
    """What is kept of it (argon2id). Raises BadRequest where it is no password to choose."""
    if len(password) < MIN_PASSWORD:
        raise BadRequest(f"密码至少{MIN_PASSWORD}位。")
    return _passwords.hash(password)


@functools.cache
def _nobodys() -> str:
    """Made at the first sign-in, not by every command: it takes as long as a sign-in."""
    return _passwords.hash(secrets.token_hex(16))


def matches(hash: str | None, password: str) -> bool:
    """Whether it is the password. None: of somebody unknown, or without one."""
    other = _nobodys()  # asked for and verified whether or not the name is known: the time taken tells nothing
    try:
        return _passwords.verify(hash or other, password) and hash is not None
    except (VerificationError, InvalidHashError):
        return False
