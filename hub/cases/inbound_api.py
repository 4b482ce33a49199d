"""What the lease system sends back: its decisions, a household's own words, and outside signs (F4)."""

from __future__ import annotations

import json
from typing import Annotated

from fastapi import APIRouter, Depends
from pydantic import BaseModel, ConfigDict, Field, model_validator

from hub.auth import Principal, hub_of, require
from hub.cases import nightly
from hub.cases.inbound import receive
from hub.services import Hub

router = APIRouter(prefix="/api/v1", tags=["lease"])
TheHub = Annotated[Hub, Depends(hub_of)]
System = Annotated[Principal, Depends(require("lease.decide"))]


class LeaseDecision(BaseModel):
    """A decision of the lease system. Further fields are kept as received; an `outside_sign` may have no others than its own."""

    model_config = ConfigDict(extra="allow")
    id: str = Field(min_length=1, max_length=120)
    kind: str = Field(min_length=1, max_length=60)

    @model_validator(mode="after")
    def _can_be_kept(self) -> LeaseDecision:
        """PostgreSQL takes no NUL, and what is nested too deeply cannot be written: for the sender to mend, not to repeat."""
        if "\\u0000" in json.dumps(self.model_dump(mode="json")):
            raise ValueError("a NUL character cannot be kept")
        return self


class LeaseDecisionTaken(BaseModel):
    id: str
    result: str


@router.post("/lease/decisions", status_code=202)
def receive_lease_decision(
    decision: LeaseDecision,
    hub: TheHub,
    principal: System,
) -> LeaseDecisionTaken:
    """Idempotent by `id`."""
    body = decision.model_dump(mode="json")
    with hub.db.unit_of_work(principal.id, f"lease decision {decision.kind}", now=hub.now()) as uow:
        result = receive(uow, decision.id, decision.kind, body)
    hub.signal(nightly.JOB)
    return LeaseDecisionTaken(id=decision.id, result=result)
