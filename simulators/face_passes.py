"""What happens when people stand before a face terminal: it decides alone, opens its door, and writes a record."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Protocol

from simulators.device import BadRequest, NotSupported
from simulators.face_records import RecordPusher
from simulators.face_store import Person, TerminalStore
from simulators.face_validity import Verdict, as_int, judge, use_once

_STATUS = {Verdict.ALLOW: 1, Verdict.NOT_NOW: 2, Verdict.OVER: 2, Verdict.BLOCKED: 2}


class PassOwner(Protocol):
    """What the passes need of their terminal."""

    code: str
    device_id: str
    profile: str
    store: TerminalStore
    records: RecordPusher

    def local_now(self) -> datetime:
        """The device's naive local time."""
        ...

    def local_time(self) -> str:
        """The device's time as it writes it."""
        ...

    def own_topic(self, last: str) -> str:
        """A topic under the device's own id."""
        ...

    def publish(self, topic: str, body: Mapping[str, Any]) -> bool:
        """Send one message."""
        ...

    def pulse(self, by: str) -> None:
        """Release the door once."""
        ...

    def count(self, what: str) -> None:
        """Count an occurrence."""
        ...


class FacePasses:
    """Faces, cards and texts held before one terminal."""

    def __init__(self, owner: PassOwner) -> None:
        self.owner = owner

    def find(self, *, picture_sha256: str | None = None, card: int | str | None = None) -> str | None:
        """The customId enrolled from this picture (SHA-256, hex) or with this card (decimal), None if there is none."""
        person = None
        if picture_sha256 is not None:
            person = self.owner.store.person_by_picture(picture_sha256.lower())
        if person is None and card is not None:
            person = self.owner.store.person_by_card(int(card))
        return None if person is None else person.custom_id

    def face(self, custom_id: str) -> dict[str, Any]:
        """A person stands before the camera. Someone not on the list (any more) is a stranger to it."""
        person = self.owner.store.person(custom_id)
        if person is None or person.picture is None:
            return self.stranger()
        return self._recognised(person, similarity=83.0 + person.person_id % 15, card=None)

    def stranger(self) -> dict[str, Any]:
        """An unknown face: no door, a StrSnapPush."""
        info = {"facesluiceId": self.owner.device_id, "isNoMask": "1", "targetPosInScene": [120, 80, 360, 400]}
        record = self.owner.records.add("snap", info)
        return {"decision": "stranger", "opened": False, "custom_id": None, "snap_id": record.number}

    def text(self, topic: str, operator: str, info: dict[str, Any]) -> dict[str, Any]:
        """A QR code or an identity card is held before the device, which only passes it on. It keeps no record of it.

        [INFER] no example of an /IDCard payload is public; the shape is that of /Card and /QRCode.
        """
        if self.owner.profile == "camera":
            raise NotSupported(f"{self.owner.code} is a camera: it reads neither")
        self.owner.publish(
            self.owner.own_topic(topic), {"operator": operator, "info": {"facesluiceId": self.owner.device_id, **info}}
        )
        return {"decision": "passed_on", "opened": False, "custom_id": None}

    def card(self, number: int | str) -> dict[str, Any]:
        """A card is held to the reader. ``number`` decimal. A card not on the list also goes to /Card.

        [INFER] the manuals do not say when /Card is sent; field systems use it to let the platform decide about cards
        the terminal does not know, so it is sent for those alone, besides a RecPush with VerifyStatus 3.
        """
        if self.owner.profile == "camera":
            raise NotSupported(f"{self.owner.code} is a camera: it has no card reader")
        try:
            card = int(str(number))
        except ValueError as error:
            raise BadRequest(f"a card number is decimal digits, not {number!r}") from error
        person = self.owner.store.person_by_card(card)
        if person is not None:
            return self._recognised(person, similarity=0.0, card=card)
        body = {
            "facesluiceId": self.owner.device_id,
            "time": self.owner.local_time(),
            "CardInfo": {"CardNum": f"{card:010d}"},
        }
        self.owner.publish(self.owner.own_topic("Card"), {"operator": "CardPush", "info": body})
        record = self.owner.records.add("rec", self._rec_info(None, 3, 0.0, card))
        return {"decision": "unknown", "opened": False, "custom_id": None, "record_id": record.number}

    def _recognised(self, person: Person, similarity: float, card: int | None) -> dict[str, Any]:
        verdict = judge(person.fields, self.owner.profile, self.owner.local_now())
        record = self.owner.records.add("rec", self._rec_info(person, _STATUS[verdict], similarity, card))
        if verdict is Verdict.ALLOW:
            self.owner.pulse("local")
            used = use_once(person.fields, self.owner.profile)
            if used is not None:
                self.owner.store.put_person(person.custom_id, used, None, person.card, person.created)
        self.drop_if_over(person)
        return {
            "decision": verdict.value,
            "opened": verdict is Verdict.ALLOW,
            "custom_id": person.custom_id,
            "record_id": record.number,
        }

    def drop_if_over(self, person: Person) -> None:
        """The terminal branch deletes temporary entries that are over; cameras keep them [INFER]."""
        current = self.owner.store.person(person.custom_id)
        if self.owner.profile == "camera" or current is None:
            return
        if judge(current.fields, self.owner.profile, self.owner.local_now()) is Verdict.OVER:
            self.owner.store.delete_person(current.custom_id)
            self.owner.count("expired_deleted")

    def _rec_info(self, person: Person | None, status: int, similarity: float, card: int | None) -> dict[str, Any]:
        fields = {} if person is None else person.fields
        info: dict[str, Any] = {
            "facesluiceId": self.owner.device_id,
            "facesluiceName": self.owner.code,
            "customId": "" if person is None else person.custom_id,
            "personId": "" if person is None else str(person.person_id),
            "personName": str(fields.get("name", "")),
            "VerifyStatus": str(status),
            "PersonType": str(as_int(fields.get("personType"), 0)),
            "similarity1": f"{similarity:.6f}",
            "idCard": str(fields.get("idCard") or " "),
            "telnum": str(fields.get("telnum1") or " "),
            "isNoMask": "0",
            "targetPosInScene": [120, 80, 360, 400],
        }
        if self.owner.profile == "access_terminal":
            info["direction"] = "unknow"  # sic, as the firmware writes it
            if card is not None:
                info["RFIDCard"] = f"{card:010d}"
        return info
