"""Whose certificates the hub believes when it asks another system."""

from __future__ import annotations

import functools
import ssl

import httpx


@functools.cache
def trusted(*, trust_env: bool) -> ssl.SSLContext:
    """The known authorities (`trust_env`: or those `SSL_CERT_FILE` names). One a process: reading their list takes longer than
    most questions, and a client of `httpx` reads it anew unless it is given one."""
    return httpx.create_ssl_context(trust_env=trust_env)
