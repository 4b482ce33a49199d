"""The rooms of the hub: one line each. A room exports `router` in its `api.py` and `JOBS` where it has work to do."""

from __future__ import annotations

from fastapi import APIRouter

from hub.jobs import Job

ROUTERS: tuple[APIRouter, ...] = ()

JOBS: tuple[Job, ...] = ()
