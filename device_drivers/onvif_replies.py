"""What Device, Media and DeviceIO services answer, read by local name. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

from device_drivers.onvif_words import ACCESS, DEVICE_IO, DOORS, EVENTS, MEDIA, MEDIA2
from device_drivers.onvif_xml import Element, attribute, children, every, first, number, text

MAX_ITEMS = 1000
INFORMATION = ("Manufacturer", "Model", "FirmwareVersion", "SerialNumber")
CAPABILITIES = {
    "Media": MEDIA,
    "Media2": MEDIA2,
    "Events": EVENTS,
    "DeviceIO": DEVICE_IO,
    "DoorControl": DOORS,
    "AccessControl": ACCESS,
}


@dataclass(frozen=True, slots=True)
class MediaProfile:
    """`encoding` as told (H264, H265, JPEG), empty where the profile has no video; size in pixels, 0 where not told."""

    token: str
    name: str = ""
    encoding: str = ""
    width: int = 0
    height: int = 0

    def __str__(self) -> str:
        size = f" {self.width}×{self.height}" if self.width else ""
        return f"{self.name or self.token} {self.encoding}{size}".strip()


def clock(reply: Element) -> datetime | None:
    """UTC of GetSystemDateAndTime; None where the device tells local time only, or no time that exists."""
    return _time_in(reply, "UTCDateTime")


def zone_offset(reply: Element) -> float | None:
    """Local time minus UTC in seconds, of GetSystemDateAndTime; None where the device does not tell both."""
    utc, local = _time_in(reply, "UTCDateTime"), _time_in(reply, "LocalDateTime")
    return None if utc is None or local is None else (local - utc).total_seconds()


def _time_in(reply: Element, name: str) -> datetime | None:
    date, time = first(reply, name, "Date"), first(reply, name, "Time")
    if date is None or time is None:
        return None
    values = [number(text(date, part)) for part in ("Year", "Month", "Day")]
    values += [number(text(time, part)) for part in ("Hour", "Minute", "Second")]
    year, month, day, hour, minute, second = values
    if None in values:
        return None
    try:  # a leap second is the next second's business
        return datetime(year, month, day, hour, minute, min(second or 0, 59), tzinfo=UTC)  # type: ignore[arg-type]
    except ValueError:
        return None


def services(reply: Element) -> dict[str, str]:
    """Address by namespace (folded, without a slash at the end) of GetServices."""
    found: dict[str, str] = {}
    for service in every(reply, "Service")[:MAX_ITEMS]:
        namespace, address = text(service, "Namespace"), text(service, "XAddr")
        if namespace and address:
            found.setdefault(namespace.rstrip("/").casefold(), address)
    return found


def capabilities(reply: Element) -> dict[str, str]:
    """The same of GetCapabilities; DeviceIO and others stand in its extension."""
    found: dict[str, str] = {}
    for name, service in CAPABILITIES.items():
        if (element := first(reply, name)) is not None and (address := text(element, "XAddr")):
            found[service.namespace.casefold()] = address
    return found


def information(reply: Element) -> dict[str, str]:
    """Maker, model, firmware, serial: what is told of them."""
    return {name: value[:100] for name in INFORMATION if (value := text(reply, name))}


def profiles(reply: Element) -> tuple[MediaProfile, ...]:
    """Of the first and the second media service; those with video first."""
    found = [_profile(e) for e in every(reply, "Profiles")[:MAX_ITEMS] if attribute(e, "token")]
    return tuple(sorted(found, key=lambda p: not p.encoding))


def _profile(element: Element) -> MediaProfile:
    encoder = first(element, "VideoEncoderConfiguration")
    if encoder is None:
        encoder = first(element, "VideoEncoder")
    name = next((e.text or "" for e in children(element, "Name")), "").strip()
    if encoder is None:
        return MediaProfile(attribute(element, "token"), name)
    width, height = (number(text(encoder, "Resolution", side)) or 0 for side in ("Width", "Height"))
    return MediaProfile(attribute(element, "token"), name, text(encoder, "Encoding") or "?", width, height)


def uri(reply: Element) -> str:
    """Of GetStreamUri or GetSnapshotUri of either media service; empty where there is none."""
    return "".join(text(reply, "Uri").split())


@dataclass(frozen=True, slots=True)
class Relay:
    """A relay output. `pulses`: it is monostable, goes back by itself."""

    token: str
    pulses: bool
    delay: str = ""
    idle: str = ""


def relays(reply: Element) -> tuple[Relay, ...]:
    """Of GetRelayOutputs, of the device or the DeviceIO service."""
    return tuple(
        Relay(
            attribute(e, "token"),
            text(e, "Properties", "Mode").casefold() == "monostable",
            text(e, "Properties", "DelayTime"),
            text(e, "Properties", "IdleState"),
        )
        for e in every(reply, "RelayOutputs")[:MAX_ITEMS]
        if attribute(e, "token")
    )


def inputs(reply: Element) -> tuple[str, ...]:
    """Tokens of GetDigitalInputs."""
    return tuple(token for e in every(reply, "DigitalInputs")[:MAX_ITEMS] if (token := attribute(e, "token")))
