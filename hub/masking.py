"""(P) Personal data as everybody may see it. The whole is shown only through a reveal, with a reason, audited."""

from __future__ import annotations


def mask_name(name: str) -> str:
    """First and last character: 李*华, 欧**峰; two characters: 李*; one: *."""
    text = name.strip()
    if len(text) <= 1:
        return "*" if text else ""
    if len(text) == 2:
        return f"{text[0]}*"
    return f"{text[0]}{'*' * (len(text) - 2)}{text[-1]}"


def mask_id_number(last4: str) -> str:
    """Only the last four of an ID number of 18 are shown; empty when none is known."""
    return f"{'*' * 14}{last4[-4:]}" if last4 else ""


def mask_card(number: str) -> str:
    """The last four of a card number (no more than half of a short one): ******6789."""
    shown = min(4, len(number) // 2)
    return "*" * (len(number) - shown) + number[len(number) - shown :]


def mask_identifier(type: str, value: str) -> str:
    """An identifier for a list: a face, a PIN, a phone's code and the hash of an identity card have nothing to show."""
    if type == "card" or (type == "qr" and value):
        return mask_card(value)
    return {"face": "人脸", "qr": "手机二维码", "id_card": "身份证"}.get(type, "****")
