"""The rooms of the hub: one line each. A room exports `router` in its `api.py` and `JOBS` where it has work to do.

What one room does for another that must not import it is joined here too.
"""

from __future__ import annotations

from fastapi import APIRouter

from hub import admin_api, audit, edge_api, health, retention, session_api
from hub.access import api as access_api
from hub.access import desk_api, explain_api, held_api, pass_api, qr_api, role_api, schedule_api
from hub.access.other_way import of_this_unit
from hub.access.publish import JOBS as ACCESS_JOBS
from hub.cases import api as cases_api
from hub.cases import inbound_api, rules_api
from hub.cases.nightly import JOBS as CASES_JOBS
from hub.cases.reminders import JOBS as CLOCK_JOBS
from hub.cases.trial_job import JOBS as TRIAL_JOBS
from hub.catalogue import api as catalogue_api
from hub.catalogue.watch import JOBS as CATALOGUE_JOBS
from hub.estate import adding_api, orders_api, removing, site
from hub.estate import api as estate_api
from hub.estate.jobs import JOBS as ESTATE_JOBS
from hub.events import api as events_api
from hub.evidence import api as evidence_api
from hub.held_rows import by_tag
from hub.jobs import Job
from hub.lease import api as lease_api
from hub.lease import life_api, outside_api
from hub.lease.chain import JOBS as REMINDER_JOBS
from hub.lease.outbox import JOBS as LEASE_JOBS
from hub.occupancy import api as occupancy_api
from hub.occupancy import policy_api
from hub.occupancy.door_doubts import JOBS as DOOR_MAP_JOBS
from hub.privacy import api as privacy_api
from hub.privacy.purge import JOBS as PRIVACY_JOBS
from hub.services import Hub
from hub.tenancy import absence_api, people_api, push_api, reconciliation_api, upload
from hub.tenancy import api as tenancy_api
from hub.tenancy.sync import JOBS as TENANCY_JOBS
from hub.welfare import api as welfare_api
from hub.welfare.watch import JOBS as CARE_JOBS

ROUTERS: tuple[APIRouter, ...] = (
    session_api.router,
    health.router,
    estate_api.router,
    adding_api.router,
    orders_api.router,
    tenancy_api.router,
    push_api.router,
    people_api.router,
    absence_api.router,
    reconciliation_api.router,
    access_api.router,
    desk_api.router,
    held_api.router,
    pass_api.router,
    explain_api.router,
    role_api.router,
    schedule_api.router,
    qr_api.router,
    events_api.router,
    occupancy_api.router,
    policy_api.router,
    cases_api.router,
    rules_api.router,
    catalogue_api.router,
    evidence_api.router,
    lease_api.router,
    inbound_api.router,
    life_api.router,
    outside_api.router,
    welfare_api.router,
    privacy_api.router,
    audit.router,
    admin_api.router,
    edge_api.enrol_router,
)

JOBS: tuple[Job, ...] = (
    *audit.JOBS,
    *retention.JOBS,
    *PRIVACY_JOBS,
    *ESTATE_JOBS,
    *TENANCY_JOBS,
    *ACCESS_JOBS,
    *CASES_JOBS,
    *TRIAL_JOBS,
    *DOOR_MAP_JOBS,
    *CLOCK_JOBS,
    *CATALOGUE_JOBS,
    *LEASE_JOBS,
    *REMINDER_JOBS,
    *CARE_JOBS,
)


def join(hub: Hub) -> None:
    hub.held_kinds = by_tag(*removing.KINDS, upload.KIND, site.KIND)
    hub.other_ways = of_this_unit
