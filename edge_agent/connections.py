"""How this box speaks to its hub: the broker link, the web's TLS, the version it gives."""

from __future__ import annotations

import ssl
from importlib.metadata import PackageNotFoundError, version

from device_drivers.mqtt import LinkOptions, MqttLink
from edge_agent.config import EdgeConfig, EdgeDir
from edge_agent.uplink import offline_will


def make_link(directory: EdgeDir, config: EdgeConfig) -> MqttLink:
    """User and client id are the edge's id: the broker gives it its own topics only. TLS with the box's certificate."""
    tls = config.mqtt_tls
    options = LinkOptions(
        host=config.mqtt_host,
        port=config.mqtt_port,
        client_id=config.edge,
        username=config.edge,
        password=config.secret,
        will=offline_will(config.edge),
        ca=str(directory.ca) if tls else None,
        certificate=str(directory.certificate) if tls else None,
        key=str(directory.key) if tls else None,
    )
    return MqttLink(options)


def client_tls(directory: EdgeDir, config: EdgeConfig) -> ssl.SSLContext | bool:
    """Mutual TLS against the CA of enrolment and no other."""
    if not config.https_url.startswith("https:"):
        return True
    context = ssl.create_default_context(cafile=str(directory.ca))
    context.load_cert_chain(str(directory.certificate), str(directory.key))
    return context


def package_version() -> str:
    try:
        return version("estate-hub")
    except PackageNotFoundError:
        return "dev"
