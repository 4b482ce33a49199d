"""The estate follows the tenancy records: who moved in walks, and whoever got a new card or photo uses it."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

import aiohttp

from simulators.movement import Body
from simulators.people import Routine

log = logging.getLogger(__name__)
PERIOD_S = 3.0
KNOWN_ERRORS = (aiohttp.ClientError, TimeoutError, ValueError, KeyError)


@dataclass(slots=True)
class Follower:
    """Polls the back office and tells `welcome` of new bodies. `known` are the people who lived there from the start."""

    url: str
    api_key: str
    known: set[str]
    photos: dict[str, str]
    welcome: Callable[[Body], None]
    cursor: str = ""
    failing: bool = False
    seen: dict[str, Body] = field(default_factory=dict)

    async def run(self) -> None:
        """Follows until cancelled; a back office that cannot be reached is tried again."""
        async with aiohttp.ClientSession(headers={"X-Api-Key": self.api_key}) as http:
            while True:
                try:
                    more = await self.step(http)
                    self.failing = False
                except KNOWN_ERRORS as error:
                    more = False
                    if not self.failing:
                        log.warning("back office %s: %s", self.url, error)
                    self.failing = True
                if not more:
                    await asyncio.sleep(PERIOD_S)

    async def step(self, http: aiohttp.ClientSession) -> bool:
        """One page. True when there is more at once."""
        parameters = {"cursor": self.cursor, "limit": "500"}
        timeout = aiohttp.ClientTimeout(total=10)
        async with http.get(f"{self.url}/api/tenancies", params=parameters, timeout=timeout) as answer:
            answer.raise_for_status()
            page: dict[str, Any] = await answer.json()
        for record in page["items"]:
            self.take(record)
        moved = str(page["next_cursor"]) != self.cursor
        self.cursor = str(page["next_cursor"])
        return bool(page["has_more"]) and moved

    def take(self, record: dict[str, Any]) -> None:
        """One tenancy record: photos of those known, bodies of those who are new."""
        for member in record["members"]:
            person_id, held = str(member["person_id"]), member["face_photo"]
            if held is not None:
                self.photos[person_id] = str(held["sha256"])
            elif person_id in self.seen:
                self.photos.pop(person_id, None)
            if person_id not in self.known and record["state"] == "active":
                self._body(record, member, person_id)

    def _body(self, record: dict[str, Any], member: dict[str, Any], person_id: str) -> None:
        body = Body(
            dwelling=str(record["dwelling_code"]),
            block=str(record["dwelling_code"]).split("-")[1],
            holder=person_id,
            card=str(member["cards"][0]) if member["cards"] else None,
            face=member["face_photo"] is not None,
            routine=Routine.WORKER,
            observed=1.0,
            resident=True,
            card_habit=0.0,
        )
        if self.seen.get(person_id) != body:
            self.seen[person_id] = replace(body)
            self.welcome(body)
