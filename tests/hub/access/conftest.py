"""The small estate of `access_site` for every test of this room."""

from access_site import estate

__all__ = ["estate"]
