"""How this box speaks to its hub: the broker link, the web's TLS, the version it gives."""

from __future__ import annotations

import logging
import ssl
from importlib.metadata import PackageNotFoundError, version

from device_drivers.mqtt import LinkOptions, MqttLink
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


def package_version() -> str:
    try:
        return version("estate-hub")
    except PackageNotFoundError:
        return "dev"
