"""Edges as clients of the hub's broker: made, replaced and taken away at run time over the hub's own connection."""

from __future__ import annotations

import json
import logging
import threading
from collections.abc import Iterable
from typing import Any

from device_drivers.mqtt import Incoming, Link
from hub.mosquitto import edge_role

log = logging.getLogger(__name__)
CONTROL = "$CONTROL/dynamic-security/v1"
RESPONSE = f"{CONTROL}/response"
ANSWER_S = 5.0
_NOT_THERE = ("not found", "does not exist")


class BrokerRefused(RuntimeError):
    """The broker did not do what it was told, or did not answer: try again when the link is up."""


class BrokerAdmin:
    """Speaks to Mosquitto's dynamic-security plugin. One conversation at a time; answers come on the link's thread."""

    def __init__(self, link: Link) -> None:
        self.link = link
        self._turn = threading.Lock()
        self._answered = threading.Event()
        self._answer: list[dict[str, Any]] = []

    def receive(self, message: Incoming) -> None:
        """Called by the broker's handler with every message on `RESPONSE`."""
        try:
            answer = json.loads(message.payload)
            self._answer = [r for r in answer["responses"] if isinstance(r, dict)]
        except (ValueError, KeyError, TypeError) as error:
            log.error("broker's answer cannot be read: %s", error)
            return
        self._answered.set()

    def add_edge(self, edge_id: str, secret: str) -> None:
        """The edge may sign in with its id and this secret; an older secret ends, and its connection with it."""
        role = edge_role(edge_id)
        self.remove_edge(edge_id)
        client = {
            "command": "createClient",
            "username": edge_id,
            "password": secret,
            "clientid": edge_id,  # an edge cannot take another's place
            "roles": [{"rolename": role["rolename"], "priority": 0}],
        }
        self._tell([{"command": "createRole", **role}, client])

    def remove_edge(self, edge_id: str) -> None:
        """It is cut off at once and cannot come back."""
        commands = [{"command": "deleteClient", "username": edge_id}]
        commands.append({"command": "deleteRole", "rolename": f"edge:{edge_id}"})
        self._tell(commands, ignore=_NOT_THERE)

    def _tell(self, commands: list[dict[str, Any]], ignore: Iterable[str] = ()) -> None:
        with self._turn:
            self._answered.clear()
            if not self.link.publish(CONTROL, json.dumps({"commands": commands}).encode()):
                raise BrokerRefused("the link to the broker is down")
            if not self._answered.wait(ANSWER_S):
                raise BrokerRefused("the broker did not answer")
            errors = [str(answer["error"]) for answer in self._answer if answer.get("error")]
        told = [error for error in errors if not any(word in error.lower() for word in ignore)]
        if told:
            raise BrokerRefused("; ".join(told))
