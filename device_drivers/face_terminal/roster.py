"""Writing and removing persons on a terminal: in batches by picture URI, one by one where a batch is not possible."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime, tzinfo
from typing import Any, Literal

from device_drivers.contract.words import IdentifierType
from device_drivers.driver import (
    Applied,
    CredentialRefused,
    DeviceRefused,
    DeviceUnreachable,
    DriverServices,
    ExaminesPhotos,
    Remove,
    Upsert,
)
from device_drivers.face_terminal import codec, envelope
from device_drivers.face_terminal.channel import Channel, NoAnswer
from device_drivers.face_terminal.errors import Level, Profile, meaning
from device_drivers.face_terminal.persons import content, first, jpeg_size, person

log = logging.getLogger(__name__)
BUSY_TRIES, BUSY_PAUSE_S = 4, 1.0
MAX_DELETE, MAX_BATCH = 200, 1000
MAX_PACKET = 900_000  # bytes of a batch; the firmware refuses a packet of more than 1 MB
PROGRESS_S, SILENT_S = 5.0, 60.0
PAGE = 500  # entries read at once
PHOTO_MAX, PHOTO_MIN = 1_000_000, 1000
INLINE_MAX = 700_000  # as base64, with the rest of the entry, still less than 1 MB
PHOTO_SIDES = (1920, 1080)  # pixels: the long side and the short one
PhotoMode = Literal["uri", "inline"]


def refusal(token: str, operator: str, number: str, text: str, level: Level) -> CredentialRefused | None:
    """The refusal of one person in our words; None where the number means that all is well."""
    found = meaning(operator, number, level)
    if found.retry == "fine":
        return None
    return CredentialRefused(token, found.code, f"{operator} {number} {text}".strip(), retry=found.retry == "retry")


def _count(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 9 else None


class Roster:
    """The person list of one terminal. `timeout_s`: patience for one person, `list_timeout_s`: for reading them all."""

    def __init__(
        self,
        channel: Channel,
        profile: Profile,
        zone: tzinfo,
        services: DriverServices,
        timeout_s: float,
        mode: PhotoMode,
        list_timeout_s: float = 25.0,
    ) -> None:
        self.channel, self.profile, self.zone, self.services = channel, profile, zone, services
        self.timeout_s, self.mode, self.list_timeout_s = timeout_s, mode, list_timeout_s
        self._takes_batches = profile.batch
        self._spelling: dict[str, str] = {}  # token as the terminal spells it, by folded token
        self._all_named = False  # whether that is everybody whom it holds
        self._edited_at = -profile.edit_gap_s  # monotonic, when the last single entry with a photo was sent

    async def held(self) -> tuple[list[str], bool]:
        """(customIds, complete). Raises DeviceUnreachable, DeviceRefused."""
        answer = await self.channel.ask("QueryPerson", {}, timeout_s=self.list_timeout_s)
        if not answer.ok and meaning("QueryPerson", answer.code).retry != "fine":
            raise DeviceRefused(f"QueryPerson: {answer.code} {answer.info.text('detail')}".strip())
        ids = codec.held_ids(answer)
        self._spelling = {i.casefold(): i for i in ids}
        total = _count(answer.info.text("TotalPersonNum", "total", "PersonNum"))
        named = _count(answer.info.text("QueryPersonNum"))
        if named is None:
            self._all_named = total is None or total <= len(ids)
            return ids, self._all_named
        # Who was enrolled at the device itself is counted in the total and not named.
        strangers = [""] if total is not None and total > named and "" not in ids else []
        self._all_named = named <= len(ids)
        return [*ids, *strangers], self._all_named

    async def contents(self) -> AsyncIterator[dict[str, str]]:
        """Token as we wrote it → what the entry says, `PAGE` at a time. Raises DeviceUnreachable, DeviceRefused.

        It ends also where a terminal begins anew whatever it is asked, and does not say how many there are.
        """
        begin, seen = 0, set[tuple[str, str]]()
        while True:
            question = {"personType": 2, "BeginNO": begin, "RequestCount": PAGE}
            answer = await self.channel.ask("SearchPersonList", question, timeout_s=self.list_timeout_s)
            if not answer.ok and meaning("SearchPersonList", answer.code).code == "not_held":
                return
            rows = answer.info.rows("List")
            if not answer.ok and not rows:
                raise DeviceRefused(f"SearchPersonList: {answer.code} {answer.info.text('detail')}".strip())
            named = {(r.text("customId"), r.text("personId")) for r in rows}
            if named <= seen:
                return
            seen |= named
            yield {r.text("customId"): content(r, cards=self.profile.cards) for r in rows}
            begin += len(rows)
            total = answer.info.text("TotalPersonNum", "total")
            if total.isdigit() and begin >= int(total):
                return

    # Removing

    async def remove(self, operations: Sequence[Remove]) -> list[Applied]:
        done: list[Applied] = []
        for start in range(0, len(operations), MAX_DELETE):
            chunk = operations[start : start + MAX_DELETE]
            nameless = [o for o in chunk if not o.token]
            done += [
                Applied(o, CredentialRefused("", "no_custom_id", "enrolled at the device; remove it there"))
                for o in nameless
            ]
            named = [o for o in chunk if o.token]
            if len(named) == 1:
                done.append(await self._remove_one(named[0]))
            elif named:
                done += await self._remove_many(named)
        return done

    async def remove_now(self, token: str) -> Applied:
        """One command, ahead of whatever else is planned."""
        return await self._remove_one(Remove(token))

    async def has(self, token: str) -> bool:
        """Raises DeviceUnreachable, DeviceRefused when the answer says neither yes nor no."""
        question = {"customId": self._spelled(token), "Picture": 0}
        answer = await self._patiently("SearchPerson", question, {}, self.timeout_s)
        if answer.ok and answer.info.text("customId").casefold() == token.casefold():
            return True
        if meaning("SearchPerson", answer.code).code == "not_held":
            return False
        raise DeviceRefused(f"SearchPerson: {answer.code} {answer.info.text('detail')}".strip())

    def _spelled(self, token: str) -> str:
        return self._spelling.get(token.casefold(), token)

    async def _remove_one(self, operation: Remove) -> Applied:
        info = {"customId": self._spelled(operation.token)}
        answer = await self._patiently("DelPerson", info, {}, self.timeout_s)
        if answer.ok:
            return Applied(operation)
        text = answer.info.text("detail")
        return Applied(operation, refusal(operation.token, "DelPerson", answer.code, text, "whole"))

    async def _remove_many(self, operations: Sequence[Remove]) -> list[Applied]:
        ids = [self._spelled(o.token) for o in operations]
        answer = await self._patiently(
            "DeletePersons", {"customId": ids}, codec.batch_flags(len(ids)), self.timeout_s + 10
        )
        if not answer.ok and not answer.info.values.keys() & {"delsucnum", "delerrinfo"}:
            log.info("terminal %s: DeletePersons %s, one by one", self.channel.terminal, answer.code)
            return [await self._remove_one(o) for o in operations]
        errors = {r.text("customId").casefold(): r.text("errcode") for r in answer.info.rows("DelErrInfo")}
        return [
            Applied(o, refusal(o.token, "DeletePersons", errors[key], "", "person") if key in errors else None)
            for o in operations
            for key in (o.token.casefold(),)
        ]

    # Writing

    async def write(self, operations: Sequence[Upsert]) -> list[Applied]:
        """One refused person never fails the others. Raises DeviceUnreachable, DeviceRefused (busy for too long)."""
        prepared = await asyncio.gather(*(self._prepare(o) for o in operations))
        done = [Applied(o, p) for o, p in zip(operations, prepared, strict=True) if isinstance(p, CredentialRefused)]
        ready = [(o, p) for o, p in zip(operations, prepared, strict=True) if not isinstance(p, CredentialRefused)]
        by_uri = [(o, p) for o, p in ready if "picURI" in p]
        single = [(o, p) for o, p in ready if "picURI" not in p]
        # Single entries with a photo must keep a distance from each other, batches need not.
        if self._takes_batches and (len(by_uri) > 1 or (by_uri and self._gap_s() > 0)):
            for batch in _batches(by_uri):
                done += await self._write_batch(batch)
        else:
            single = by_uri + single
        written = done + await self._write_each(single)
        said = {id(o): content(envelope.Fields.of(p), cards=self.profile.cards) for o, p in ready}
        return [a if a.error else replace(a, content=said.get(id(a.operation), "")) for a in written]

    def _gap_s(self) -> float:
        return self._edited_at + self.profile.edit_gap_s - time.monotonic()

    async def _prepare(self, operation: Upsert) -> dict[str, Any] | CredentialRefused:
        credential, token = operation.credential, operation.credential.token
        end = credential.validity.not_after
        if end is not None and end <= datetime.now(UTC):
            return CredentialRefused(token, "expired", "the terminal deletes what is over")
        try:
            photo = await self._photo(operation)
            uri = self.services.publish_file(photo, "image/jpeg") if photo and self.mode == "uri" else ""
            return person(credential, self.zone, cards=self.profile.cards, photo_uri=uri, photo=b"" if uri else photo)
        except CredentialRefused as error:
            return error

    async def _photo(self, operation: Upsert) -> bytes:
        face = first(operation.credential, IdentifierType.FACE)
        if face is None or face.photo is None:
            return b""
        token = operation.credential.token
        try:
            photo = await self.services.photo(face.photo.url, face.photo.sha256)
        except DeviceUnreachable as error:
            raise CredentialRefused(token, "photo_unreachable", str(error), retry=True) from error
        limit = PHOTO_MAX if self.mode == "uri" else INLINE_MAX
        if len(photo) > limit:
            raise CredentialRefused(token, "photo_too_large", f"{len(photo)} bytes, a terminal takes {limit}")
        if len(photo) < PHOTO_MIN:
            raise CredentialRefused(token, "photo_unreadable", f"{len(photo)} bytes, less than {PHOTO_MIN}")
        sides = sorted(jpeg_size(photo) or (0, 0), reverse=True)
        if sides[0] > PHOTO_SIDES[0] or sides[1] > PHOTO_SIDES[1]:
            told = f"{sides[0]}x{sides[1]} pixels, a terminal takes {PHOTO_SIDES[0]}x{PHOTO_SIDES[1]}"
            raise CredentialRefused(token, "photo_too_large", told)
        if isinstance(self.services, ExaminesPhotos):
            await self.services.examine(token, photo, face.photo.sha256)
        return photo

    async def _write_batch(self, entries: list[tuple[Upsert, dict[str, Any]]]) -> list[Applied]:
        persons = [info for _, info in entries]
        patience = 10 + self.timeout_s * len(persons)
        writing = asyncio.create_task(
            self._patiently(
                "EditPersonsNew", persons, {**codec.batch_flags(len(persons)), "isCheckSimilarity": 0}, patience
            )
        )
        answer = await self._while_at_work(writing)
        if answer is None:
            log.info("terminal %s knows no batches: one by one", self.channel.terminal)
            self._takes_batches = False
            return await self._write_each(entries)
        good = {r.text("customId").casefold() for r in answer.info.rows("AddSucInfo")}
        bad = {r.text("customId").casefold(): r.text("errcode") for r in answer.info.rows("AddErrInfo")}
        if not good and not bad:
            log.info("terminal %s: EditPersonsNew %s, one by one", self.channel.terminal, answer.code)
            return await self._write_each(entries)
        done: list[Applied] = []
        unsaid: list[tuple[Upsert, dict[str, Any]]] = []
        for operation, info in entries:
            token = operation.credential.token
            if token.casefold() in good:
                done.append(Applied(operation))
            elif (number := bad.get(token.casefold())) is not None:
                done.append(Applied(operation, refusal(token, "EditPersonsNew", number, "", "person")))
            else:
                unsaid.append((operation, info))
        return done + await self._write_each(unsaid)

    async def _while_at_work(self, writing: asyncio.Task[envelope.Message]) -> envelope.Message | None:
        """Its answer. A batch may take minutes, its answer may get lost: meanwhile the terminal is asked how far it is.

        None where it is silent about both for long (cameras do not tell how far they are). Raises NoAnswer where it is idle.
        """
        try:
            idle, began = 0, time.monotonic()
            while not (await asyncio.wait({writing}, timeout=self.timeout_s + PROGRESS_S))[0]:
                try:
                    told = await self.channel.ask("QueryProgress", {}, timeout_s=self.timeout_s, once=True)
                except NoAnswer:
                    if not writing.done() and time.monotonic() - began > SILENT_S:
                        return None
                    continue
                idle = idle + 1 if told.ok and told.info.text("Status") == "0" else 0
                if idle > 1 and not writing.done():
                    raise NoAnswer("EditPersonsNew: the terminal is idle and has not answered")
            return writing.result()
        finally:
            writing.cancel()

    async def _write_each(self, entries: list[tuple[Upsert, dict[str, Any]]]) -> list[Applied]:
        done: list[Applied] = []
        for operation, info in entries:
            if "pic" in info or "picURI" in info:
                await asyncio.sleep(max(0.0, self._gap_s()))
                self._edited_at = time.monotonic()
            kept = await self._drop_old_face(operation)
            answer = await self._patiently("EditPerson", info, {}, self.timeout_s + 10)
            token, text = operation.credential.token, answer.info.text("detail")
            error = None if answer.ok else refusal(token, "EditPerson", answer.code, text, "whole")
            done.append(Applied(operation, error or kept))
        return done

    async def _drop_old_face(self, operation: Upsert) -> CredentialRefused | None:
        """A terminal keeps the photo it is not told about: whoever wants no face any more is deleted and written anew.

        Also where it does not say whether it has one. Returns why an old face may still stand there.
        After a refused photo (`partial`) the earlier photo of the same person stays and goes on opening.
        """
        token = operation.credential.token
        wants_face = first(operation.credential, IdentifierType.FACE) is not None
        if wants_face or operation.partial or (self._all_named and token.casefold() not in self._spelling):
            return None
        question = {"customId": self._spelled(token), "Picture": 1}
        found = await self._patiently("SearchPerson", question, {}, self.timeout_s)
        none_there = not (found.top.text("pic") or found.info.text("pic"))
        if (found.ok and none_there) or meaning("SearchPerson", found.code).code == "not_held":
            return None
        return (await self._remove_one(Remove(token))).error

    async def _patiently(
        self, operator: str, info: object, beside: dict[str, Any], timeout_s: float
    ) -> envelope.Message:
        """A busy terminal (410) is asked again a few times. Raises DeviceRefused when it stays busy."""
        for attempt in range(BUSY_TRIES):
            answer = await self.channel.ask(operator, info, timeout_s=timeout_s, **beside)
            if answer.code != "410":
                return answer
            await asyncio.sleep(BUSY_PAUSE_S * (attempt + 1))
        raise DeviceRefused(f"{operator}: the terminal stays busy (410)")


def _batches(entries: list[tuple[Upsert, dict[str, Any]]]) -> Iterator[list[tuple[Upsert, dict[str, Any]]]]:
    """As many at once as the firmware takes: by number, and by bytes."""
    batch: list[tuple[Upsert, dict[str, Any]]] = []
    size = 0
    for entry in entries:
        more = len(codec.request("", "", entry[1]))
        if batch and (len(batch) >= MAX_BATCH or size + more > MAX_PACKET):
            yield batch
            batch, size = [], 0
        batch.append(entry)
        size += more
    if batch:
        yield batch
