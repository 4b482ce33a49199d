"""An ONVIF door controller: door control, access control, credential, access rules and schedule services."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, ClassVar
from xml.sax.saxutils import escape, quoteattr
from zoneinfo import ZoneInfo

from simulators.device import BadRequest
from simulators.faults import Fault
from simulators.onvif_device import OnvifCameraSim
from simulators.onvif_enabled import States
from simulators.onvif_events import Items
from simulators.onvif_rules import MAX_RULES, RuleBook, rest
from simulators.onvif_soap import NS, SoapFault, SoapRequest, duration_s

_FORMATS = {"SIMPLE_NUMBER32": 4, "WIEGAND26": 3}


class OnvifDoorSim(OnvifCameraSim):
    """Doors on an HTTP port, besides what `OnvifCameraSim` has (no camera: media services are missing).

    Config as there, and: doors (1), capacity (100 credentials), page (20: longest list answered at once), time_zone
    ("Asia/Shanghai"), profiles (200: how many access profiles it keeps), external ("" | "credential" | "identifier": asks
    the outside before it opens, for credentials it knows or for every card), external_s (5, how long it waits). Who shows a
    card that is enrolled, enabled, valid and permitted at this hour is let in by the controller itself.
    """

    kind: ClassVar[str] = "onvif_door"
    services: ClassVar[Mapping[str, str]] = {
        "device_service": NS["tds"],
        "event_service": NS["tev"],
        **{f"{name}_service": NS[name] for name in ("tdc", "tac", "tcr", "tar", "tsc")},
    }
    supported_faults: ClassVar[frozenset[Fault]] = OnvifCameraSim.supported_faults | {
        Fault.RESTART_EMPTY,
        Fault.LOST_REPLY,
    }

    def __init__(self, code: str, config: Mapping[str, Any], *, seed: int = 0, state_dir: Path | None = None) -> None:
        super().__init__(code, config, seed=seed, state_dir=state_dir)
        self.capacity, self.page = int(config.get("capacity", 100)), int(config.get("page", 20))
        tokens = [f"Door_{n + 1}" for n in range(int(config.get("doors", 1)))]
        self.doors: dict[str, dict[str, str]] = {
            token: {"DoorMode": "Locked", "DoorPhysicalState": "Closed", "DoorAlarm": "Normal"} for token in tokens
        }
        self.credentials: dict[str, dict[str, str]] = {}
        self.zone = ZoneInfo(str(config.get("time_zone", "Asia/Shanghai")))
        self.external, self.external_s = str(config.get("external", "")), float(config.get("external_s", 5))
        self.rules = RuleBook(
            self.page,
            self._save,
            lambda: {c["profile"] for c in self.credentials.values()},
            int(config.get("profiles", MAX_RULES)),
        )
        self.states = States(lambda: self.credentials, self._credential_state)
        self.waiting: dict[
            str, tuple[str, asyncio.Future[tuple[bool, str]]]
        ] = {}  # by access point: credential, decision
        self.pulses: list[str] = []  # every release of a bolt, by door
        self._relock: dict[str, asyncio.TimerHandle] = {}
        self.events.states.clear()
        self.events.topics = {}
        self.events.more = self._properties
        self._load()
        for missing in ("GetProfiles", "GetStreamUri", "GetSnapshotUri", "GetDigitalInputs", "GetRelayOutputs"):
            self._table.pop(missing, None)
        self._table |= {
            "GetDoorInfoList": self._door_list,
            "GetDoorState": self._door_state,
            "AccessDoor": self._access,
            **dict.fromkeys(_MODES, self._mode),
            "GetAccessPointInfoList": self._point_list,
            "GetSupportedFormatTypes": self._formats,
            "GetCredentialInfoList": self._credential_list,
            "CreateCredential": self._write_credential,
            "ModifyCredential": self._write_credential,
            "DeleteCredential": self._delete_credential,
            "GetCredentialList": self._credential_list,
            "GetCredentialIdentifiers": self._identifiers,
            "ExternalAuthorization": self._authorised,
            **self.rules.table,
            **self.states.table,
        }

    # Life

    @property
    def _file(self) -> Path | None:
        return self.state_dir / f"{self.code}.json" if self.state_dir else None

    def _load(self) -> None:
        if self._file and self._file.is_file():
            kept = json.loads(self._file.read_text())
            self.credentials = kept["credentials"]
            self.rules.load(kept)

    def _save(self) -> None:
        if self._file:
            self._file.write_text(json.dumps({"credentials": self.credentials, **self.rules.kept()}))

    @property
    def profiles(self) -> dict[str, list[tuple[str, str]]]:
        """Of each access profile its (schedule, access point)."""
        return self.rules.profiles

    @property
    def schedules(self) -> dict[str, Any]:
        """By token."""
        return self.rules.schedules

    @property
    def zone_offset(self) -> timedelta:
        """Its local time minus UTC."""
        return self.now().astimezone(self.zone).utcoffset() or timedelta()

    async def on_fault(self, fault: Fault) -> None:
        """A restart closes the doors; an empty one forgets the list as well."""
        await super().on_fault(fault)
        if fault in (Fault.RESTART, Fault.RESTART_EMPTY):
            self.events.drop_all()
            for token in self.doors:
                self._set(token, "DoorMode", "Locked")
        if fault is Fault.RESTART_EMPTY:
            self.credentials = {}
            self.rules.clear()
            self._save()

    # Doors

    def _properties(self) -> list[tuple[str, Items, Items]]:
        return [
            (f"tns1:Door/State/{name}", (("DoorToken", token),), (("State", value),))
            for token, states in self.doors.items()
            for name, value in states.items()
        ]

    def _set(self, token: str, name: str, value: str) -> None:
        if self.doors[token][name] == value:
            return
        self.doors[token][name] = value
        path = f"tns1:Door/State/{name}"
        self.events.tell(path, (("DoorToken", token),), (("State", value),), self.now(), "Changed")

    def _door(self, soap: SoapRequest) -> str:
        token = soap.text("Token") or ""
        if token not in self.doors:
            raise SoapFault("Sender", "ter:InvalidArgVal", f"no door {token!r}")
        return token

    def _door_list(self, soap: SoapRequest) -> str:
        items, left = self.rules.paged(soap, sorted(self.doors))
        told = "".join(
            f"<tdc:DoorInfo token={quoteattr(token)}><tdc:Name>{escape(token)}</tdc:Name>"
            '<tdc:Capabilities Access="true" AccessTimingOverride="true" Lock="true" LockDown="1" LockOpen="true" '
            'Block="true" DoorMonitor="true" LockMonitor="false"/></tdc:DoorInfo>'
            for token in items
        )
        return f"<tdc:GetDoorInfoListResponse>{rest('tdc', left)}{told}</tdc:GetDoorInfoListResponse>"

    def _door_state(self, soap: SoapRequest) -> str:
        states = self.doors[self._door(soap)]
        return (
            f"<tdc:GetDoorStateResponse><tdc:DoorState><tdc:DoorPhysicalState>{states['DoorPhysicalState']}"
            f"</tdc:DoorPhysicalState><tdc:Alarm>{states['DoorAlarm']}</tdc:Alarm>"
            f"<tdc:DoorMode>{states['DoorMode']}</tdc:DoorMode></tdc:DoorState></tdc:GetDoorStateResponse>"
        )

    def _access(self, soap: SoapRequest) -> str:
        token = self._door(soap)
        if self.doors[token]["DoorMode"] in ("LockedDown", "Blocked"):
            raise SoapFault("Sender", "ter:Denied", f"door is {self.doors[token]['DoorMode']}")
        self.unlock(token, duration_s(soap.text("AccessTime") or "PT5S"))
        return "<tdc:AccessDoorResponse/>"

    def unlock(self, token: str, seconds: float) -> None:
        """One pulse of the bolt, counted; the controller locks again by itself."""
        self.pulses.append(token)
        if self.doors[token]["DoorMode"] == "LockedOpen":
            return
        if timer := self._relock.pop(token, None):
            timer.cancel()
        self._set(token, "DoorMode", "Accessed")
        self._relock[token] = asyncio.get_running_loop().call_later(seconds, self._lock_again, token)

    def _lock_again(self, token: str) -> None:
        if self.doors[token]["DoorMode"] == "Accessed":
            self._set(token, "DoorMode", "Locked")

    def _mode(self, soap: SoapRequest) -> str:
        token = self._door(soap)
        only_from, mode = _MODES[soap.operation]
        now = self.doors[token]["DoorMode"]
        if only_from and now != only_from:
            raise SoapFault("Sender", "ter:InvalidArgVal", f"door is {now}")
        if not only_from and now == "LockedDown" and mode != "LockedDown":
            raise SoapFault("Sender", "ter:Denied", "door is locked down")
        self._set(token, "DoorMode", mode)
        return f"<tdc:{soap.operation}Response/>"

    async def set_door(self, *, is_open: bool) -> dict[str, Any]:
        """Move the first door; one that opens while it is locked is forced."""
        token, states = next(iter(self.doors.items()))
        by_right = states["DoorMode"] in ("Accessed", "Unlocked", "LockedOpen")
        self._set(token, "DoorPhysicalState", "Open" if is_open else "Closed")
        self._set(token, "DoorAlarm", "DoorForcedOpen" if is_open and not by_right else "Normal")
        return dict(states)

    async def present(self, *, card: str | None = None, point: str = "AP_1", **other: Any) -> dict[str, Any]:
        """Hold a card before a reader: the controller decides by its list, or asks, or says that it knows no such card."""
        if card is None:
            raise BadRequest(f"this controller reads cards only, not {', '.join(k for k, v in other.items() if v)}")
        now, source = self.now(), (("AccessPointToken", point),)
        known = next((t for t, c in self.credentials.items() if int(c["Value"], 16) == int(card)), None)
        if known is None and self.external == "identifier":
            return await self._ask(point, "", int(card).to_bytes(4, "big").hex().upper())
        if known is None:
            self.events.tell("tns1:AccessControl/Denied/CredentialNotFound/Card", source, (("Card", card),), now)
            return {"granted": False, "why": "unknown"}
        data: Items = (("CredentialToken", known),)
        local = now.astimezone(self.zone).replace(tzinfo=None)
        kept = self.credentials[known]
        if (
            reason := self._barred(known)
            or self._invalid(kept, now)
            or self.rules.refusal(kept["profile"], point, local)
        ):
            self.events.tell("tns1:AccessControl/Denied/Credential", source, (*data, ("Reason", reason)), now)
            return {"granted": False, "why": reason}
        if self.external:
            return await self._ask(point, known, "")
        self.unlock(point.replace("AP", "Door"), 5.0)
        self.events.tell("tns1:AccessControl/AccessGranted/Credential", source, data, now)
        return {"granted": True, "credential": known}

    async def _ask(self, point: str, credential: str, identifier: str) -> dict[str, Any]:
        """The outside decides; without an answer in time nobody is let in."""
        source = (("AccessPointToken", point),)
        kind = "Credential" if credential else "Identifier"
        data: Items = (("CredentialToken", credential), ("CredentialHolderName", ""))
        if identifier:
            data = (("IdentifierType", "pt:Card"), ("FormatType", "SIMPLE_NUMBER32"), ("IdentifierValue", identifier))
        decision: asyncio.Future[tuple[bool, str]] = asyncio.get_running_loop().create_future()
        self.waiting[point] = credential, decision
        self.events.tell(f"tns1:AccessControl/Request/{kind}", source, data, self.now())
        try:
            async with asyncio.timeout(self.external_s):
                granted, reason = await decision
        except TimeoutError:
            self.events.tell(f"tns1:AccessControl/Request/Timeout/{kind}", source, data, self.now())
            return {"granted": False, "why": "timeout"}
        finally:
            self.waiting.pop(point, None)
        who: Items = (("CredentialToken", credential),) if credential else ()
        what = "AccessGranted" if granted else "Denied"
        told: Items = who if granted else (*who, ("Reason", reason))
        if granted:
            self.unlock(point.replace("AP", "Door"), 5.0)
        name = kind if credential else "Anonymous"
        self.events.tell(f"tns1:AccessControl/{what}/{name}/External", source, told, self.now())
        return {"granted": granted, "why": reason}

    def _authorised(self, soap: SoapRequest) -> str:
        credential, decision = self.waiting.get(soap.text("AccessPointToken") or "", ("", None))
        if decision is None or decision.done() or credential != (soap.text("CredentialToken") or ""):
            raise SoapFault("Sender", "ter:InvalidArgVal", "nobody waits there")
        if soap.text("Decision") not in ("Granted", "Denied"):
            raise SoapFault("Sender", "ter:InvalidArgVal", f"decision {soap.text('Decision')!r}")
        decision.set_result((soap.text("Decision") == "Granted", soap.text("Reason") or ""))
        return "<tac:ExternalAuthorizationResponse/>"

    def _barred(self, token: str) -> str:
        if token in self.states.disabled:
            return "CredentialNotEnabled"
        return "AntipassbackViolation" if token in self.states.violated else ""

    @staticmethod
    def _invalid(credential: Mapping[str, str], now: datetime) -> str:
        begin, end = (_time(credential.get(name, "")) for name in ("ValidFrom", "ValidTo"))
        if begin and now < begin:
            return "CredentialNotActive"
        return "CredentialExpired" if end and now >= end else ""

    # Access control, credentials, rules, schedules

    def _credential_state(self, topic: str, token: str, data: Items) -> None:
        self.events.tell(topic, (("CredentialToken", token),), data, self.now(), "Changed")

    def _point_list(self, soap: SoapRequest) -> str:
        items, left = self.rules.paged(soap, [f"AP_{n + 1}" for n in range(len(self.doors))])
        told = "".join(
            f"<tac:AccessPointInfo token={quoteattr(token)}><tac:Name>{token}</tac:Name>"
            f"<tac:Entity>{token.replace('AP', 'Door')}</tac:Entity><tac:Capabilities DisableAccessPoint='false'/>"
            "</tac:AccessPointInfo>"
            for token in items
        )
        return f"<tac:GetAccessPointInfoListResponse>{rest('tac', left)}{told}</tac:GetAccessPointInfoListResponse>"

    def _formats(self, soap: SoapRequest) -> str:
        told = "".join(
            f"<tcr:FormatTypeInfo><tcr:FormatType>{name}</tcr:FormatType><tcr:Description>{width} bytes"
            "</tcr:Description></tcr:FormatTypeInfo>"
            for name, width in _FORMATS.items()
        )
        return f"<tcr:GetSupportedFormatTypesResponse>{told}</tcr:GetSupportedFormatTypesResponse>"

    def _credential_list(self, soap: SoapRequest) -> str:
        whole = soap.operation == "GetCredentialList"
        items, left = self.rules.paged(soap, sorted(self.credentials))
        told = "".join(self._credential_told(token, self.credentials[token], whole=whole) for token in items)
        return f"<tcr:{soap.operation}Response>{rest('tcr', left)}{told}</tcr:{soap.operation}Response>"

    @staticmethod
    def _credential_told(token: str, kept: Mapping[str, str], *, whole: bool) -> str:
        names = ("Description", "CredentialHolderReference", "ValidFrom", "ValidTo")
        inner = "".join(f"<tcr:{name}>{escape(kept[name])}</tcr:{name}>" for name in names if kept.get(name))
        if whole:
            inner += _identifier(kept)
            profile = f"<tcr:AccessProfileToken>{escape(kept['profile'])}</tcr:AccessProfileToken>"
            inner += f"<tcr:CredentialAccessProfile>{profile}</tcr:CredentialAccessProfile>"
        element = "Credential" if whole else "CredentialInfo"
        return f"<tcr:{element} token={quoteattr(token)}>{inner}</tcr:{element}>"

    def _identifiers(self, soap: SoapRequest) -> str:
        kept = self.credentials.get(soap.text("CredentialToken") or "")
        if kept is None:
            raise SoapFault("Sender", "ter:NotFound", "no such credential")
        return f"<tcr:GetCredentialIdentifiersResponse>{_identifier(kept)}</tcr:GetCredentialIdentifiersResponse>"

    def _write_credential(self, soap: SoapRequest) -> str:
        element = next((e for e in soap.body.iter() if e.tag == f"{{{NS['tcr']}}}Credential"), None)
        if element is None:
            raise SoapFault("Sender", "ter:InvalidArgVal", "no Credential")
        token = element.get("token") or ""
        names = ("Description", "CredentialHolderReference", "ValidFrom", "ValidTo", "Value", "FormatType")
        kept = {name: soap.text(name) or "" for name in names}
        profile = soap.text("AccessProfileToken") or ""
        self._check_credential(soap.operation, token, kept, profile)
        if soap.operation == "CreateCredential":
            token = self.rules.token("Credential")
        self.credentials[token] = {**kept, "profile": profile}
        self._save()
        return f"<tcr:{soap.operation}Response><tcr:Token>{token}</tcr:Token></tcr:{soap.operation}Response>"

    def _check_credential(self, operation: str, token: str, kept: Mapping[str, str], profile: str) -> None:
        if operation == "ModifyCredential" and token not in self.credentials:
            raise SoapFault("Sender", "ter:NotFound", f"no credential {token!r}")
        if operation == "CreateCredential" and (token or len(self.credentials) >= self.capacity):
            code = "ter:InvalidArgVal" if token else "ter:MaxCredentials"
            raise SoapFault("Receiver", code, f"{len(self.credentials)} of {self.capacity}")
        if profile not in self.profiles:
            raise SoapFault("Sender", "ter:ReferenceNotFound", f"no access profile {profile!r}")
        width = _FORMATS.get(kept["FormatType"])
        if width is None or len(kept["Value"]) != 2 * width:
            raise SoapFault("Sender", "ter:InvalidIdentifierValue", f"{kept['FormatType']} {kept['Value']!r}")
        taken = any(c["Value"] == kept["Value"] for t, c in self.credentials.items() if t != token)
        if taken:
            raise SoapFault("Sender", "ter:DuplicatedIdentifierValue", kept["Value"])

    def _delete_credential(self, soap: SoapRequest) -> str:
        if self.credentials.pop(soap.text("Token") or "", None) is None:
            raise SoapFault("Sender", "ter:NotFound", "no such credential")
        self.states.forget(soap.text("Token") or "")
        self._save()
        return "<tcr:DeleteCredentialResponse/>"

    def state(self) -> dict[str, Any]:
        """Doors, list and counters."""
        kept = {"doors": self.doors, "credentials": self.credentials, "profiles": self.profiles}
        return {**super().state(), **kept, "pulses": list(self.pulses)}


_MODES = {
    "LockDoor": ("", "Locked"),
    "UnlockDoor": ("", "Unlocked"),
    "BlockDoor": ("", "Blocked"),
    "LockDownDoor": ("", "LockedDown"),
    "LockDownReleaseDoor": ("LockedDown", "Locked"),
    "LockOpenDoor": ("", "LockedOpen"),
    "LockOpenReleaseDoor": ("LockedOpen", "Locked"),
}


def _identifier(kept: Mapping[str, str]) -> str:
    return (
        "<tcr:CredentialIdentifier><tcr:Type><tcr:Name>pt:Card</tcr:Name>"
        f"<tcr:FormatType>{kept.get('FormatType', 'SIMPLE_NUMBER32')}</tcr:FormatType></tcr:Type>"
        f"<tcr:ExemptedFromAuthentication>false</tcr:ExemptedFromAuthentication><tcr:Value>{kept['Value']}</tcr:Value>"
        "</tcr:CredentialIdentifier>"
    )


def _time(text: str) -> datetime | None:
    if not text:
        return None
    at = datetime.fromisoformat(text)
    return at if at.tzinfo else at.replace(tzinfo=UTC)
