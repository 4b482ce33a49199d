"""The rooms of the hub: one line each. A room exports `router` in its `api.py` and `JOBS` where it has work to do."""

from __future__ import annotations

from fastapi import APIRouter

from hub.cases import api as cases_api
from hub.cases import nightly
from hub.jobs import Job
from hub.lease import api as lease_api
from hub.lease import outbox
from hub.occupancy import api as occupancy_api

ROUTERS: tuple[APIRouter, ...] = (
    occupancy_api.router,
    cases_api.router,
    lease_api.router,
)

JOBS: tuple[Job, ...] = (
    *nightly.JOBS,
    *outbox.JOBS,
)
