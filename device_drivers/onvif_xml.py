"""Reading what ONVIF devices send, by local name: prefixes, namespaces and SOAP versions differ between makers. Pure.

No entities, no network, no huge trees: a reply comes from a device we do not trust.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

from lxml import etree

Element = etree._Element
# Entities are expanded never, and neither file nor network is read for a document type.
_PARSER_OPTIONS = {"resolve_entities": False, "no_network": True, "huge_tree": False, "remove_comments": True}
_TRUE = frozenset({"true", "1", "active", "on", "yes"})


class NotXml(ValueError):
    """The reply is not XML at all, or not a SOAP envelope; the text begins with what came."""


def envelope(raw: bytes) -> Element:
    """The SOAP envelope, 1.1 or 1.2. Raises NotXml."""
    try:
        root = etree.fromstring(raw.strip(), etree.XMLParser(**_PARSER_OPTIONS))  # type: ignore[arg-type]
    except (etree.XMLSyntaxError, ValueError) as error:
        raise NotXml(f"not XML ({error}): {raw[:80]!r}") from error
    if root is None or name_of(root) != "Envelope":
        raise NotXml(f"not a SOAP envelope: {raw[:80]!r}")
    return root


def name_of(element: Element) -> str:
    """Without its namespace; empty for what is no element."""
    tag = element.tag
    return tag.rsplit("}", 1)[-1] if isinstance(tag, str) else ""


def every(root: Element, name: str) -> list[Element]:
    """All elements of that name below `root` (and itself), in document order."""
    return [e for e in root.iter() if name_of(e) == name]


def children(root: Element, *names: str) -> Iterator[Element]:
    """Direct children of these names."""
    return (e for e in root if name_of(e) in names)


def first(root: Element, *path: str) -> Element | None:
    """The first element of `path[0]`, in it the first of `path[1]`, and so on."""
    found: Element | None = root
    for name in path:
        if found is None:
            return None
        found = next((e for e in found.iter() if name_of(e) == name), None)
    return found


def text(root: Element, *path: str) -> str:
    """Its text without blanks at the ends; empty where there is none."""
    found = first(root, *path)
    return (found.text or "").strip() if found is not None else ""


def attribute(element: Element, name: str) -> str:
    """By local name, in whatever case: `token`, `Token`, `tt:token`."""
    for key, value in element.attrib.items():
        if str(key).rsplit("}", 1)[-1].casefold() == name.casefold():
            return str(value).strip()
    return ""


def fault_of(raw: bytes) -> tuple[str, str] | None:
    """(codes, reason) of a SOAP 1.1 or 1.2 fault, None when there is none. Raises NotXml."""
    return fault_in(envelope(raw))


def fault_in(root: Element) -> tuple[str, str] | None:
    """As `fault_of`, of an envelope that is read already."""
    body = first(root, "Body")
    fault = next(children(body, "Fault"), None) if body is not None else None
    if fault is None:
        return None
    codes = [(e.text or "").strip() for name in ("Value", "faultcode") for e in every(fault, name)]
    return " ".join(codes), (text(fault, "Text") or text(fault, "faultstring"))[:300]


def is_true(value: str) -> bool:
    """Devices say true, 1 and active."""
    return value.strip().casefold() in _TRUE


def number(value: str) -> int | None:
    """A whole number, None for anything else."""
    value = value.strip()
    return (
        int(value)
        if value.removeprefix("-").isascii() and value.removeprefix("-").isdigit() and len(value) < 10
        else None
    )


def utc(value: str) -> datetime | None:
    """An XML dateTime as aware UTC; without a zone it is taken as UTC, as the attribute's name says."""
    try:
        at = datetime.fromisoformat(value.strip())
        return at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)
    except (ValueError, OverflowError):
        return None
