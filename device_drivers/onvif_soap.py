"""Requests to ONVIF devices: by zeep from the WSDL files of onvif-zeep, by hand for services it does not ship.

`ONVIFCamera` is never constructed: it subscribes at every construction, drops topics, sends `Created` without Z and waits
300 s. Only the WSDL files and zeep's message building are used; replies are read by `onvif_xml`.
"""

# mypy: disable-error-code="no-untyped-call"
# zeep says it is typed and leaves half of its calls without types.

from __future__ import annotations

import ctypes
import logging
import threading
import uuid
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from importlib.metadata import PackageNotFoundError, files
from pathlib import Path
from typing import Any, cast

from lxml import etree
from zeep import Client, Settings, Transport
from zeep.wsdl import Document
from zeep.wsse.username import UsernameToken

from device_drivers.driver import ConfigError
from device_drivers.onvif_words import Service

SOAP = "http://www.w3.org/2003/05/soap-envelope"
WSA = "http://www.w3.org/2005/08/addressing"
TT = "http://www.onvif.org/ver10/schema"
PT = "http://www.onvif.org/ver10/pacs"
PREFIXES = {"tt": TT, "pt": PT}
Values = Mapping[str, Any]
logging.getLogger("zeep").setLevel(logging.ERROR)
_wsdl_lock = threading.Lock()


@lru_cache
def wsdl_dir() -> Path:
    """Where onvif-zeep put its WSDL files; found without importing it (that would configure logging)."""
    try:
        for file in files("onvif-zeep") or ():
            if file.name == "devicemgmt.wsdl":
                return Path(str(file.locate())).resolve().parent
    except PackageNotFoundError as error:
        raise ConfigError("onvif-zeep is not installed on this edge") from error
    raise ConfigError("onvif-zeep has no WSDL files here")


@lru_cache
def _document(name: str) -> Document:
    # Parsing takes a good part of a second: once a process, shared by all devices.
    document = Document(
        str(wsdl_dir() / name), cast(Any, Transport()), settings=Settings(strict=False, xml_huge_tree=False)
    )
    if trim := getattr(ctypes.CDLL(None), "malloc_trim", None):
        trim(0)  # what libxml2 read stays with the allocator otherwise: 15 MB that a box of 1 GB misses
    return document


def document(name: str) -> Document:
    with _wsdl_lock:
        return _document(name)


class Token(UsernameToken):
    """WS-UsernameToken with a digest; `Created` by the device's clock, in Z form."""

    def __init__(self, username: str, password: str, offset: timedelta) -> None:
        super().__init__(username, password, use_digest=True, zulu_timestamp=True)
        self.offset = offset

    def apply(self, envelope: Any, headers: Any) -> Any:
        self.created = datetime.now(UTC) + self.offset
        return super().apply(envelope, headers)


def build(
    service: Service,
    operation: str,
    arguments: Values,
    *,
    address: str,
    token: Token | None,
    reference: tuple[str, ...] = (),
) -> tuple[bytes, str]:
    """(envelope, SOAP action). Raises ValueError for arguments that the schema does not know."""
    if service.wsdl:
        envelope, action = _by_zeep(service, operation, arguments)
    else:
        envelope, action = _by_hand(service.namespace, operation, arguments)
    header = _header(envelope)
    if service.addressed:  # part of WS-Notification
        _addressed(header, action, address)
    for parameter in reference:
        header.append(etree.fromstring(parameter))
    if token is not None:
        envelope, _ = token.apply(envelope, {})
    return etree.tostring(envelope, xml_declaration=True, encoding="UTF-8"), action


def _by_zeep(service: Service, operation: str, arguments: Values) -> tuple[Any, str]:
    client = Client(cast(Any, document(service.wsdl)), transport=cast(Any, Transport()))
    proxy = client.create_service(f"{{{service.wsdl_namespace or service.namespace}}}{service.binding}", "")
    envelope = client.create_message(proxy, operation, **arguments)
    action = str(proxy._binding.get(operation).soapaction or "")
    return envelope, action


def _by_hand(namespace: str, operation: str, arguments: Values) -> tuple[Any, str]:
    envelope = etree.Element(f"{{{SOAP}}}Envelope", nsmap={"s": SOAP, **PREFIXES, "q": namespace})
    body = etree.SubElement(envelope, f"{{{SOAP}}}Body")
    fill(etree.SubElement(body, f"{{{namespace}}}{operation}"), namespace, arguments)
    return envelope, f"{namespace}/{operation}"


def fill(element: Any, namespace: str, values: Values) -> None:
    """Children by name (`Name`, `tt:Name`), attributes by `@name`; a list repeats its element; None is left out."""
    for name, value in values.items():
        if name.startswith("@"):
            element.set(name[1:], _plain(value))
            continue
        prefix, _, local = name.rpartition(":")
        for one in value if isinstance(value, list | tuple) else (value,):
            if one is None:
                continue
            child = etree.SubElement(element, f"{{{PREFIXES[prefix] if prefix else namespace}}}{local}")
            if isinstance(one, Mapping):
                fill(child, namespace, one)
            else:
                child.text = _plain(one)


def _plain(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _header(envelope: Any) -> Any:
    namespace = etree.QName(envelope).namespace
    header = envelope.find(f"{{{namespace}}}Header")
    if header is None:
        header = etree.Element(f"{{{namespace}}}Header")
        envelope.insert(0, header)
    return header


def _addressed(header: Any, action: str, address: str) -> None:
    for old in [e for e in header if etree.QName(e).namespace == WSA]:
        header.remove(old)  # zeep's own, with the address of the WSDL file's author
    parts = {"Action": action, "MessageID": f"urn:uuid:{uuid.uuid4()}", "To": address}
    for name, value in parts.items():
        etree.SubElement(header, f"{{{WSA}}}{name}", nsmap={"wsa": WSA}).text = value
