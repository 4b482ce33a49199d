"""Whether a device's entries say what was written: read page by page, and not believed when the device speaks otherwise."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping

from device_drivers.driver import DeviceRefused, ReadsContents, other_keys

log = logging.getLogger(__name__)
YES_OR_NO = frozenset({"enabled"})  # cannot be told in another way: somebody may have switched off all of them


async def differing(
    device: str, driver: ReadsContents, written: Mapping[str, str], quiet: asyncio.Event, busy: asyncio.Lock
) -> set[str]:
    """Tokens of entries that are there and say something else. `written`: what each should say ("": not known).

    The device is left alone between two pages, so that a revocation waits for one page at most. When most entries differ
    nobody changed them: this device tells its entries in another way, and nothing can be concluded. Raises DeviceUnreachable.
    """
    found: set[str] = set()
    plain: set[str] = set()
    compared = 0
    folded: dict[str, str] | None = None
    pages = driver.contents()
    try:
        while True:
            await quiet.wait()
            async with busy:
                page = await anext(pages, None)
            if page is None:
                break
            for token, content in page.items():
                if token not in written:
                    folded = folded or {t.casefold(): t for t in written}
                    token = folded.get(token.casefold(), token)
                if expected := written.get(token):
                    compared += 1
                    keys = other_keys(expected, content)
                    if keys & YES_OR_NO:
                        plain.add(token)
                    if keys - YES_OR_NO:
                        found.add(token)
    except DeviceRefused as error:
        log.info("device %s does not tell what its entries say: %s", device, error)
        return set()
    if len(found) > 3 and 2 * len(found) > compared:
        log.warning(
            "device %s: %d of %d entries read otherwise than written: not compared", device, len(found), compared
        )
        return plain
    return found | plain
