"""Identity cards and PINs as ways in: the estate's key, and the hash that is all the hub keeps of a number."""

from __future__ import annotations

from device_drivers.contract import id_card, pin
from hub.errors import BadRequest
from hub.keys import Keys


def id_card_key(keys: Keys, estate_id: str) -> str:
    """The estate's own key for hashes of identity cards and PINs: it goes to its edges inside signed lists, and nowhere else."""
    return keys.blind(f"id-card-key:{estate_id}")


def id_card_hash(keys: Keys, estate_id: str, number: str) -> str:
    """Of a number as a clerk types or a reader reads it; it is not kept. Raises BadRequest for what is no such number."""
    plain = id_card.normalise(number)
    if len(plain) != 18 or not (plain[:17].isascii() and plain[:17].isdecimal()) or plain[17] not in "0123456789X":
        raise BadRequest("身份证号须为18位，请核对后重新填写。", "id_number_bad")
    return id_card.hashed(plain, id_card_key(keys, estate_id))


def pin_hash(keys: Keys, estate_id: str, digits: str) -> str:
    return pin.hashed(digits, id_card_key(keys, estate_id))
