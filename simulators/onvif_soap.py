"""SOAP 1.2 as ONVIF devices speak it: envelopes, faults, and reading a request."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from dataclasses import dataclass
from datetime import UTC, datetime
from xml.sax.saxutils import escape

NS = {
    "env": "http://www.w3.org/2003/05/soap-envelope",
    "wsse": "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-secext-1.0.xsd",
    "wsu": "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-utility-1.0.xsd",
    "wsa": "http://www.w3.org/2005/08/addressing",
    "wsnt": "http://docs.oasis-open.org/wsn/b-2",
    "wstop": "http://docs.oasis-open.org/wsn/t-1",
    "ter": "http://www.onvif.org/ver10/error",
    "tt": "http://www.onvif.org/ver10/schema",
    "tds": "http://www.onvif.org/ver10/device/wsdl",
    "trt": "http://www.onvif.org/ver10/media/wsdl",
    "tev": "http://www.onvif.org/ver10/events/wsdl",
    "tmd": "http://www.onvif.org/ver10/deviceIO/wsdl",
    "tdc": "http://www.onvif.org/ver10/doorcontrol/wsdl",
    "tac": "http://www.onvif.org/ver10/accesscontrol/wsdl",
    "tcr": "http://www.onvif.org/ver10/credential/wsdl",
    "tar": "http://www.onvif.org/ver10/accessrules/wsdl",
    "tsc": "http://www.onvif.org/ver10/schedule/wsdl",
    "pt": "http://www.onvif.org/ver10/pacs",
    "tns1": "http://www.onvif.org/ver10/topics",
    "xs": "http://www.w3.org/2001/XMLSchema",
}
_DECLARED = " ".join(f'xmlns:{prefix}="{uri}"' for prefix, uri in NS.items())
_DURATION = re.compile(
    r"^P(?:(?P<days>\d+)D)?(?:T(?:(?P<hours>\d+)H)?(?:(?P<minutes>\d+)M)?(?:(?P<seconds>\d+(?:\.\d+)?)S)?)?$"
)


class SoapFault(Exception):
    """Answered as a SOAP 1.2 fault. ``code`` Sender or Receiver, ``subcode`` such as ter:NotAuthorized."""

    def __init__(self, code: str, subcode: str, reason: str) -> None:
        super().__init__(reason)
        self.code = code
        self.subcode = subcode
        self.reason = reason

    @property
    def http_status(self) -> int:
        """SOAP 1.2 HTTP binding: 400 for Sender, 500 for Receiver."""
        return 400 if self.code == "Sender" else 500

    def envelope(self) -> bytes:
        """The fault on the wire."""
        return envelope(
            f"<env:Fault><env:Code><env:Value>env:{self.code}</env:Value><env:Subcode><env:Value>{self.subcode}"
            f"</env:Value></env:Subcode></env:Code><env:Reason><env:Text xml:lang='en'>{escape(self.reason)}"
            "</env:Text></env:Reason></env:Fault>"
        )


@dataclass(frozen=True, slots=True)
class SoapRequest:
    """One request: the operation's local name and namespace, its element, and the header (None if there is none)."""

    operation: str
    namespace: str
    body: ET.Element
    header: ET.Element | None

    def text(self, name: str) -> str | None:
        """The text of the first descendant with this local name."""
        found = next((one for one in self.body.iter() if one.tag.rpartition("}")[2] == name), None)
        return None if found is None else (found.text or "").strip()


def parse(data: bytes) -> SoapRequest:
    """Read an envelope. Raises SoapFault (ter:WellFormed) when it is none; a DOCTYPE is refused."""
    if b"<!DOCTYPE" in data:
        raise SoapFault("Sender", "ter:WellFormed", "a SOAP message has no DOCTYPE")
    try:
        root = ET.fromstring(data)
    except ET.ParseError as error:
        raise SoapFault("Sender", "ter:WellFormed", "not well-formed XML") from error
    body = root.find("env:Body", NS)
    if body is None or len(body) == 0:
        raise SoapFault("Sender", "ter:WellFormed", "no SOAP 1.2 body")
    namespace, _, operation = body[0].tag.removeprefix("{").rpartition("}")
    return SoapRequest(operation, namespace, body[0], root.find("env:Header", NS))


def envelope(body: str) -> bytes:
    """Wrap a body whose prefixes are those of ``NS``."""
    text = f'<?xml version="1.0" encoding="UTF-8"?><env:Envelope {_DECLARED}><env:Body>{body}</env:Body></env:Envelope>'
    return text.encode()


def zulu(moment: datetime) -> str:
    """xs:dateTime in UTC with Z."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def duration_s(text: str) -> float:
    """Seconds of an xs:duration of days or less (PT60S). Raises SoapFault (ter:InvalidArgVal)."""
    match = _DURATION.match(text)
    if match is None or text in ("P", "PT"):
        raise SoapFault("Sender", "ter:InvalidArgVal", f"not a duration: {text}")
    scale = {"days": 86400.0, "hours": 3600.0, "minutes": 60.0, "seconds": 1.0}
    return sum(float(match[name]) * factor for name, factor in scale.items() if match[name])
