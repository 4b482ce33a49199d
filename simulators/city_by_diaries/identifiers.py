"""(P) Identifiers as five vendors form them; they tell nothing about whom they name.

Styles 0..4: plain numbers with dashes, prefixed letters, long digits, Chinese names, and a project's code.
"""

from __future__ import annotations

ESTATE_NAMES = ("康居苑", "安居里", "幸福家园", "惠民新村", "和谐苑", "阳光花园")
ESTATE_LETTERS = "ABCDEF"
CREDENTIAL_LETTERS = "CPPQVDS"


def estate_id(style: int, estate: int) -> str:
    """Of the estate with this number, from 0 on."""
    return (
        f"{estate + 1:02d}",
        f"E{estate + 1:02d}",
        f"{33020 + estate}",
        ESTATE_NAMES[estate],
        f"HZ-{ESTATE_LETTERS[estate]}",
    )[style]


def block_id(style: int, estate: int, block: int) -> str:
    """Of the `block`-th block, from 1 on, of an estate."""
    return (
        f"{estate + 1:02d}-{block}",
        f"E{estate + 1:02d}B{block:02d}",
        f"{33020 + estate}{block:03d}",
        f"{ESTATE_NAMES[estate]}{block}号楼",
        f"HZ-{ESTATE_LETTERS[estate]}-{block}",
    )[style]


def dwelling_id(style: int, estate: int, block: int, floor: int, number: int) -> str:
    """Of the dwelling `number` on `floor` of a block; all but the estate from 1 on."""
    padded = f"{floor:02d}{number:02d}"
    door = f"{floor}{number:02d}" if style in (0, 3) else padded
    return (
        f"{estate + 1:02d}-{block}-{door}",
        f"E{estate + 1:02d}B{block:02d}-{door}",
        f"{33020 + estate}{block:03d}{padded}",
        f"{ESTATE_NAMES[estate]}{block}号楼{door}室",
        f"0{estate + 1}{block:02d}{padded}",
    )[style]


def access_point_id(style: int, estate: str, serial: int) -> str:
    """Of the city's `serial`-th access point, from 1 on, in the estate with the identifier `estate`."""
    return (
        f"AP{serial:05d}",
        f"{estate}/D{serial}",
        f"{3302000000 + serial * 7}",
        f"dev-{serial:04x}",
        f"0{serial:05d}",
    )[style]


def person_id(style: int, serial: int) -> str:
    """Of a person; serials are shuffled before, so that they follow no order."""
    return (
        f"P{serial:06d}",
        f"r{(serial * 2654435761) % 2**32:08x}",
        f"{70000000 + serial * 3}",
        f"人{serial:05d}",
        f"00{serial:05d}",
    )[style]


def credential_id(style: int, kind: int, serial: int) -> str:
    """Of a credential of a kind (`terminals.CREDENTIAL_…`); serials are shuffled before."""
    prefix = str(kind + 1) if style == 2 else CREDENTIAL_LETTERS[kind]
    number = f"{serial:07d}" if style in (0, 2, 4) else f"{(serial * 2246822519 + 97) % 2**32:08X}"
    return prefix + number
