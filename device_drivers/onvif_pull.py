"""A pull point: subscribed, pulled, renewed, given back, and taken anew when the device forgot it. Blocking.

Cameras allow few subscriptions, forget them over a restart, and some know no renewal: a new one is taken then, and what
changed in between is seen by the states that a new subscription begins with.
"""

from __future__ import annotations

import logging
import time
from datetime import timedelta

from device_drivers import onvif_events
from device_drivers.driver import DeviceRefused, DeviceUnreachable, WrongSecret
from device_drivers.onvif_events import OnvifMessage, Subscription
from device_drivers.onvif_session import NoSuchCall, OnvifSession
from device_drivers.onvif_words import EVENTS, PULL_POINT, SUBSCRIPTION
from device_drivers.onvif_xml import Element

log = logging.getLogger(__name__)
SUBSCRIBE_S = 60
MESSAGES = 100


class PullPoint:
    """One subscription of one device. `pull_s`: length of one long poll."""

    def __init__(self, session: OnvifSession, pull_s: int) -> None:
        self.session, self.pull_s = session, pull_s
        self.subscription: Subscription | None = None
        self._renew_at = 0.0
        self._renews = True

    def pull(self) -> tuple[OnvifMessage, ...]:
        """What happened since the last time, after at most `pull_s`. Raises DeviceRefused where the subscription is gone."""
        if self.subscription is None:
            self._subscribe()
        elif time.monotonic() >= self._renew_at:
            self._renew()
        subscription = self.subscription
        assert subscription is not None
        reply = self.session.ask(
            PULL_POINT,
            "PullMessages",
            {"Timeout": timedelta(seconds=self.pull_s), "MessageLimit": MESSAGES},
            address=subscription.address,
            wait_s=self.pull_s,
            reference=subscription.reference,
        )
        left = onvif_events.lasts_in(reply)
        if left is not None and left < 2 * self.pull_s:
            self._renew_at = 0.0
        return onvif_events.messages_in(reply)

    def _subscribe(self) -> None:
        call = (EVENTS, "CreatePullPointSubscription")
        try:
            reply = self.session.ask(*call, {"InitialTerminationTime": f"PT{SUBSCRIBE_S}S"})
        except NoSuchCall:
            raise
        except DeviceRefused as error:
            if "SubscribeCreationFailed" in str(error):  # too many: the second try would only be refused as well
                raise
            reply = self.session.ask(*call)  # some take no wish for a length
        try:
            self.subscription = onvif_events.subscription_in(reply)
        except ValueError as error:
            raise DeviceRefused(f"CreatePullPointSubscription: {error}") from error
        self._plan(self.subscription.lasts_s)
        try:
            self._manage("SetSynchronizationPoint")
        except DeviceRefused as error:  # most send their states unasked
            log.debug("no synchronisation point: %s", error)

    def _plan(self, lasts_s: float | None) -> None:
        self._renew_at = time.monotonic() + max(1.0, (lasts_s or SUBSCRIBE_S) / 2)

    def _manage(self, operation: str, **arguments: str) -> Element:
        subscription = self.subscription
        assert subscription is not None
        service = PULL_POINT if operation == "SetSynchronizationPoint" else SUBSCRIPTION
        return self.session.ask(
            service, operation, arguments, address=subscription.address, reference=subscription.reference
        )

    def _renew(self) -> None:
        if self._renews:
            try:
                reply = self._manage("Renew", TerminationTime=f"PT{SUBSCRIBE_S}S")
            except NoSuchCall as error:
                log.info("%s renews no subscriptions (%s): a new one each time", self.session.host, error)
                self._renews = False
            except DeviceRefused as error:  # gone, or not now: a device that keeps one gives no other while it stands
                log.info("%s does not renew the subscription: %s", self.session.host, error)
            else:
                self._plan(onvif_events.lasts_in(reply))
                return
        self.give_back()
        self._subscribe()

    def give_back(self) -> None:
        """Cameras allow few. Never raises: one that cannot be given back ends by itself."""
        if self.subscription is None:
            return
        try:
            self._manage("Unsubscribe")
        except (DeviceUnreachable, DeviceRefused, WrongSecret) as error:
            log.info("%s: subscription not given back: %s", self.session.host, error)
        self.subscription = None
