"""The ONVIF services we use: namespace, WSDL file of onvif-zeep (empty where it ships none) and binding. Data only."""

from __future__ import annotations

from dataclasses import dataclass

ONVIF = "http://www.onvif.org"


@dataclass(frozen=True, slots=True)
class Service:
    """`addressed`: its messages carry WS-Addressing headers. `wsdl_namespace`: of the binding, where it is another one."""

    name: str
    namespace: str
    wsdl: str = ""
    binding: str = ""
    addressed: bool = False
    wsdl_namespace: str = ""


_EVENTS = f"{ONVIF}/ver10/events/wsdl"
DEVICE = Service("device", f"{ONVIF}/ver10/device/wsdl", "devicemgmt.wsdl", "DeviceBinding")
MEDIA = Service("media", f"{ONVIF}/ver10/media/wsdl", "media.wsdl", "MediaBinding")
MEDIA2 = Service("media2", f"{ONVIF}/ver20/media/wsdl")
EVENTS = Service("events", _EVENTS, "events.wsdl", "EventBinding", addressed=True)
PULL_POINT = Service("pull point", _EVENTS, "events.wsdl", "PullPointSubscriptionBinding", addressed=True)
SUBSCRIPTION = Service("subscription", _EVENTS, "events.wsdl", "SubscriptionManagerBinding", addressed=True)
DEVICE_IO = Service("deviceio", f"{ONVIF}/ver10/deviceIO/wsdl", "deviceio.wsdl", "DeviceIOBinding")
DOORS = Service("doorcontrol", f"{ONVIF}/ver10/doorcontrol/wsdl", "doorcontrol.wsdl", "DoorControlBinding")
ACCESS = Service("accesscontrol", f"{ONVIF}/ver10/accesscontrol/wsdl", "accesscontrol.wsdl", "PACSBinding")
CREDENTIALS = Service("credential", f"{ONVIF}/ver10/credential/wsdl")
RULES = Service("accessrules", f"{ONVIF}/ver10/accessrules/wsdl")
SCHEDULES = Service("schedule", f"{ONVIF}/ver10/schedule/wsdl")
SERVICES = (DEVICE, MEDIA, MEDIA2, EVENTS, DEVICE_IO, DOORS, ACCESS, CREDENTIALS, RULES, SCHEDULES)


def known_name(namespace: str) -> str:
    """Our short name of a service, its namespace where we have none."""
    plain = namespace.rstrip("/").casefold()
    return next((s.name for s in SERVICES if s.namespace.casefold() == plain), namespace)
