"""How this box speaks to its hub: the broker link, the web's TLS, the version it gives."""

from __future__ import annotations

import logging
import ssl
from datetime import datetime
from importlib.metadata import PackageNotFoundError, version
from typing import Literal

from device_drivers.mqtt import Link, LinkOptions, MqttLink
from edge_agent.config import EdgeConfig, EdgeDir
from edge_agent.uplink import offline_will

log = logging.getLogger(__name__)


def make_link(config: EdgeConfig, tls: ssl.SSLContext | None) -> MqttLink:
    """User and client id are the edge's id: the broker gives it its own topics only. TLS with the box's certificate."""
    options = LinkOptions(
        host=config.mqtt_host,
        port=config.mqtt_port,
        client_id=config.edge,
        username=config.edge,
        password=config.secret,
        will=offline_will(config.edge),
        tls=tls if config.mqtt_tls else None,
    )
    return MqttLink(options)


def client_tls(directory: EdgeDir, config: EdgeConfig) -> ssl.SSLContext | None:
    """Mutual TLS against the CA of enrolment and no other. One for all connections: a renewed certificate is given to it. None:
    both links are plain, on this machine.

    Files that cannot be read keep the hub away, not the doors.
    """
    if not config.mqtt_tls and not config.https_url.startswith("https:"):
        return None
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    try:
        context.load_verify_locations(str(directory.ca))
        context.load_cert_chain(str(directory.certificate), str(directory.key))
    except OSError as error:
        log.error("this box cannot prove itself to the hub (%s): run `estate-edge enrol --again`", error)
    return context


def failure_of(link: Link) -> BaseException | None:
    """Why the link could not be made at the last try."""
    return link.failure if isinstance(link, MqttLink) else None


Dates = Literal["", "early", "ended"]
_DATES: dict[int, Dates] = {9: "early", 10: "ended"}  # X509_V_ERR_CERT_NOT_YET_VALID, X509_V_ERR_CERT_HAS_EXPIRED


def dates_refused(failure: BaseException | None) -> Dates:
    """(P) Whether TLS to the hub failed because this box's clock and a certificate of the hub do not go together."""
    return _DATES.get(failure.verify_code, "") if isinstance(failure, ssl.SSLCertVerificationError) else ""


def of_dates(refused: Dates, now: datetime, *, synchronised: bool) -> str:
    """(P) What a person at the box must do. `now`: the wall clock, by which TLS goes; `synchronised`: a time source keeps it.

    Nothing else tells the time: who may answer in place of the hub may also lie about that, so no check is ever left out.
    """
    if not refused:
        return ""
    what = "has ended" if refused == "ended" else "is not good yet"
    begin = f"no link to the hub: its certificate {what} by this box's clock, {now:%Y-%m-%d %H:%M} UTC. "
    if synchronised:
        do = "A time source keeps this clock, so look at the hub: its clock, and renew its certificate (it does so at a start)"
    else:
        do = (
            "No time source keeps this clock: if it is wrong set it (`timedatectl set-ntp true`, or `date -u -s`), the link then"
            " comes back by itself; if it is right look at the hub's clock and certificate"
        )
    return f"{begin}{do}. Until then doors go on by the lists held here"


def package_version() -> str:
    try:
        return version("estate-hub")
    except PackageNotFoundError:
        return "dev"
