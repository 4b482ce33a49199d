"""Profiles, stream address and pictures of one camera, by the second media service or the first. Blocking.

A picture says by what it is known to be new (`Picture.proof`): the camera's own time of it, two answers that differ, or a
frame of the running stream. What is known to be old is refused; what proves nothing is marked so.
"""

from __future__ import annotations

import logging
import os
import socket
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import quote, urlsplit, urlunsplit

from device_drivers import onvif_replies
from device_drivers.contract.words import PictureProof
from device_drivers.driver import DeviceRefused, DeviceUnreachable, Picture
from device_drivers.onvif_http import Reply, bracketed
from device_drivers.onvif_replies import MediaProfile
from device_drivers.onvif_session import NoSuchCall, OnvifSession
from device_drivers.onvif_words import MEDIA, MEDIA2, Service

log = logging.getLogger(__name__)
STALE_S, EARLY_S = 30.0, -5.0
AGAIN_S = (0.0, 1.0)  # before asking once more: many cameras keep a picture for part of a second
MAX_SNAPSHOT = 5 * 1024 * 1024
RTSP_PORT = 554


class Media:
    """Of one camera. Raises DeviceUnreachable, DeviceRefused, WrongSecret."""

    def __init__(self, session: OnvifSession, profile: str = "", stream_host: str = "") -> None:
        self.session, self.wanted, self.stream_host = session, profile, stream_host
        self._profiles: dict[Service, tuple[MediaProfile, ...]] = {}
        self._snapshot_uri = ""
        self._no_snapshot = ""

    def services(self) -> list[Service]:
        """Those the device has; the second first: newer cameras show H.265 there only."""
        return [s for s in (MEDIA2, MEDIA) if self.session.has(s)]

    def profiles(self, service: Service) -> tuple[MediaProfile, ...]:
        """Those with video first. Raises DeviceRefused where there is none."""
        if service not in self._profiles:
            arguments = {"Type": "All"} if service is MEDIA2 else {}
            found = onvif_replies.profiles(self.session.ask(service, "GetProfiles", arguments))
            if not found:
                raise DeviceRefused("the camera has no media profile")
            self._profiles[service] = found
        return self._profiles[service]

    def _token(self, service: Service) -> str:
        found = self.profiles(service)
        return next((p.token for p in found if self.wanted in (p.token, p.name)), found[0].token)

    def _uri(self, ask: Callable[[Service], str], what: str) -> str:
        """From the first media service that tells one."""
        refusal: DeviceRefused | None = None
        for service in self.services():
            try:
                if found := ask(service):
                    return found
            except DeviceRefused as error:
                refusal = refusal or error
        raise refusal or NoSuchCall(f"the device tells no {what} address")

    def stream_uri(self) -> str:
        """RTSP, as the device told it."""

        def ask(service: Service) -> str:
            token = self._token(service)
            setup: dict[str, Any] = {"StreamSetup": {"Stream": "RTP-Unicast", "Transport": {"Protocol": "RTSP"}}}
            if service is MEDIA2:
                setup = {"Protocol": "RTSP"}
            return onvif_replies.uri(self.session.ask(service, "GetStreamUri", {**setup, "ProfileToken": token}))

        return self._uri(ask, "stream")

    def snapshot_uri(self) -> str:
        """HTTP, as the device told it."""

        def ask(service: Service) -> str:
            arguments = {"ProfileToken": self._token(service)}
            return onvif_replies.uri(self.session.ask(service, "GetSnapshotUri", arguments))

        return self._uri(ask, "snapshot")

    def streams(self) -> list[str]:
        """Where the stream may be, without secrets: at the told port, then at the usual one.

        Our password goes to the configured host alone, whatever address the device tells (NAT, the wrong interface, or a
        stranger's); and to one other host where that is a setting and the device names exactly it.
        """
        parts = urlsplit(self.stream_uri())
        try:
            told, port = parts.hostname or "", parts.port or RTSP_PORT
        except ValueError as error:
            raise DeviceRefused(f"the device told a stream address that is none: {error}") from error
        other = self.stream_host
        host = bracketed(other if other and told.casefold() == other.casefold().strip("[]") else self.session.host)
        ports = dict.fromkeys((port, RTSP_PORT))
        scheme = parts.scheme if parts.scheme in ("rtsp", "rtsps") else "rtsp"
        return [urlunsplit((scheme, f"{host}:{at}", parts.path, parts.query, "")) for at in ports]

    # Pictures

    def picture(self) -> Picture:
        """Taken now: from the snapshot address, else a frame of the stream. Only an old one: DeviceRefused."""
        spare: Picture | None = None
        try:
            found = self._by_http()
            if found.proof is not PictureProof.NONE:
                return found
            spare, why = found, "the snapshot cannot be shown to be new"
        except DeviceRefused as error:
            why = str(error)
        try:
            return self._by_stream()
        except (DeviceUnreachable, DeviceRefused) as error:
            if spare:
                return spare
            raise DeviceRefused(f"{why}; {error}") from error

    def _by_http(self) -> Picture:
        """Raises DeviceRefused where there is no snapshot address, no JPEG behind it, or an old one."""
        if self._no_snapshot:
            raise DeviceRefused(self._no_snapshot)
        if not self._snapshot_uri:
            try:
                self._snapshot_uri = self.snapshot_uri()
            except NoSuchCall as error:
                self._no_snapshot = str(error)
                raise
        first, reply = self._get()
        age = self._age(reply)
        if age is not None and EARLY_S <= age <= STALE_S:
            return Picture(reply.body, first - timedelta(seconds=max(0.0, age)), PictureProof.DEVICE_TIME)
        for wait_s in AGAIN_S:
            time.sleep(wait_s)
            asked, again = self._get()
            if again.body != reply.body:
                return Picture(again.body, asked, PictureProof.CHANGED)
        if age is not None:
            raise DeviceRefused(f"snapshot: the picture is {age:.0f} s old by the camera's clock")
        return Picture(reply.body, first)

    def _get(self) -> tuple[datetime, Reply]:
        """When it was asked for, and a reply whose body is a whole JPEG."""
        asked = datetime.now(UTC)
        reply = self.session.http.get(self._snapshot_uri, "snapshot")
        picture = reply.body
        if not picture.startswith(b"\xff\xd8") or not picture.rstrip(b"\0\r\n").endswith(b"\xff\xd9"):
            raise DeviceRefused(f"snapshot: no whole JPEG ({reply.said})")
        if len(picture) > MAX_SNAPSHOT:
            raise DeviceRefused(f"snapshot: {len(picture)} bytes, at most {MAX_SNAPSHOT}")
        return asked, reply

    def _age(self, reply: Reply) -> float | None:
        """Seconds since Last-Modified, by the clock that fits better: the measured one, or that of the camera's web server."""
        modified = _time(reply.headers.get("Last-Modified"))
        if modified is None:
            return None
        clocks = [_time(reply.headers.get("Date"))]
        if self.session.clock_offset_s is not None:
            clocks.append(datetime.now(UTC) + timedelta(seconds=self.session.clock_offset_s))
        return min(((now - modified).total_seconds() for now in clocks if now), key=abs, default=None)

    def _by_stream(self) -> Picture:
        trouble: DeviceUnreachable | None = None
        for address in self.streams():
            try:
                url = with_credentials(address, self.session.username, self.session.password)
                jpeg = frame_from_rtsp(url, self.session.timeout_s)
                return Picture(jpeg, datetime.now(UTC), PictureProof.STREAM)
            except DeviceUnreachable as error:
                trouble = trouble or error
        raise trouble or DeviceUnreachable("no stream address")


def _time(header: str | None) -> datetime | None:
    try:
        at = parsedate_to_datetime(header or "")
        return at.replace(tzinfo=UTC) if at.tzinfo is None else at
    except (ValueError, TypeError, OverflowError):
        return None


def with_credentials(url: str, username: str, password: str) -> str:
    """An RTSP address with user and password, percent-encoded; as it is where there is no user."""
    parts = urlsplit(url)
    plain = parts.netloc.rsplit("@", 1)[-1]
    secret = f"{quote(username, safe='')}:{quote(password, safe='')}@" if username else ""
    return urlunsplit((parts.scheme, secret + plain, parts.path, parts.query, ""))


def frame_from_rtsp(url: str, timeout_s: float = 5.0) -> bytes:
    """One frame of an RTSP stream (over TCP) as JPEG. Raises DeviceUnreachable."""
    parts = urlsplit(url)
    place = f"RTSP at {parts.hostname}:{parts.port or RTSP_PORT}"
    try:  # OpenCV says of nothing why it failed
        socket.create_connection((parts.hostname or "", parts.port or RTSP_PORT), min(timeout_s, 2.0)).close()
    except OSError as error:
        raise DeviceUnreachable(f"{place}: {error}") from error
    import cv2

    # Read by OpenCV when a stream is opened; UDP would need open ports and loses packets.
    os.environ.setdefault("OPENCV_FFMPEG_CAPTURE_OPTIONS", "rtsp_transport;tcp")
    milliseconds = int(timeout_s * 1000)
    limits = [cv2.CAP_PROP_OPEN_TIMEOUT_MSEC, milliseconds, cv2.CAP_PROP_READ_TIMEOUT_MSEC, milliseconds]
    capture = cv2.VideoCapture(url, cv2.CAP_FFMPEG, limits)
    try:
        if not capture.isOpened():
            raise DeviceUnreachable(f"{place}: the stream cannot be opened (path, user or codec)")
        got, frame = capture.read()
        if not got:
            raise DeviceUnreachable(f"{place}: no frame")
        done, encoded = cv2.imencode(".jpg", frame)
    except cv2.error as error:
        raise DeviceUnreachable(f"{place}: {error}") from error
    finally:
        capture.release()
    if not done:
        raise DeviceUnreachable(f"{place}: frame cannot be encoded")
    return bytes(encoded)
