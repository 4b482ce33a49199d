"""The estate's work by period and by signal."""

from __future__ import annotations

from hub.estate.commands import expire
from hub.estate.devices import publish_devices
from hub.estate.law import check
from hub.estate.orders import expire as expire_orders
from hub.jobs import Job

JOBS = (
    Job("edges.publish", 60, publish_devices),
    Job("commands.expire", 5, expire),
    Job("law.check", 300, check),
    Job("orders.expire", 30, expire_orders),
)
