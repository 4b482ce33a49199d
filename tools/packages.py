"""System packages: only what is missing, as root through apt-get, otherwise unpacked into ``.cache/sysroot``.

Two groups: ``demo`` (a broker and the libraries OpenCV loads) and ``test`` (PostgreSQL, a browser, a font with Chinese,
a second Modbus client, a third-party RTSP server). Standard library only.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tools import where

Run = Callable[..., None]
"""``run(*command, env=None)``: runs a command quietly, raises ``subprocess.CalledProcessError`` when it fails."""

_ONE_AT_A_TIME = threading.Lock()
"""Two installations at once would take away each other's `policy-rc.d`."""

UNFINISHED = where.CACHE / "packages.unfinished"
"""Exists while packages are being installed: a program may be there and its libraries not yet."""

NEVER_UNPACKED = frozenset({"libc6", "libc-bin", "libc6-dev", "base-files", "base-passwd", "dpkg", "perl-base", "bash"})
"""Part of every Debian; a second libc beside the loader of the first crashes every program."""

FONTS_CONF = """<?xml version="1.0"?>
<!DOCTYPE fontconfig SYSTEM "fonts.dtd">
<fontconfig>
  <dir>/usr/share/fonts</dir>
  <dir>{sysroot}/usr/share/fonts</dir>
  <cachedir>{cache}/fontconfig</cachedir>
  <include ignore_missing="yes">{conf_d}</include>
</fontconfig>
"""


@dataclass(frozen=True)
class Need:
    """One outside thing: the Debian packages that bring it, what it is for, and how to see that it is there."""

    packages: tuple[str, ...]
    why: str
    present: Callable[[], bool]


def _library(soname: str) -> Callable[[], bool]:
    return lambda: where.library(soname) is not None


def _font(*names: str) -> Callable[[], bool]:
    def present() -> bool:
        fonts = [root / "usr/share/fonts" for root in where.roots()]
        return any(next(folder.rglob(name), None) for folder in fonts if folder.is_dir() for name in names)

    return present


def _rtsp_server() -> bool:
    files = ("girepository-1.0/GstRtspServer-1.0.typelib", *(f"gstreamer-1.0/libgst{n}.so" for n in ("rtp", "x264")))
    gi = any((root / "usr/lib/python3/dist-packages/gi").is_dir() for root in where.roots())
    return gi and where.system_python() is not None and all(where.library(name) for name in files)


GROUPS: dict[str, tuple[Need, ...]] = {
    "demo": (
        Need(("mosquitto",), "the MQTT broker", lambda: bool(where.mosquitto() and where.mosquitto_dynsec())),
        Need(("libgl1",), "loaded by OpenCV", _library("libGL.so.1")),
        Need(("libglib2.0-0",), "loaded by OpenCV", _library("libgthread-2.0.so.0")),
        Need(("libxcb1",), "loaded by OpenCV", _library("libxcb.so.1")),
        Need(("fonts-wqy-microhei",), "Chinese in reports and on screenshots", _font("wqy-*.ttc", "*CJK*", "*SansSC*")),
        Need(("fonts-hanazono",), "rare characters of names in reports", _font("HanaMin*")),
    ),
    "test": (
        Need(("postgresql-15",), "the storage tests run on it too", lambda: where.postgres_bin() is not None),
        Need(("chromium-headless-shell",), "the console's tests", lambda: where.chromium() is not None),
        Need(("mbpoll",), "a second Modbus client", lambda: where.mbpoll() is not None),
        Need(
            (
                "python3-gi",
                "gir1.2-gst-rtsp-server-1.0",
                "gstreamer1.0-plugins-base",
                "gstreamer1.0-plugins-good",
                "gstreamer1.0-plugins-ugly",
            ),
            "a third-party RTSP server (H.264)",
            _rtsp_server,
        ),
    ),
}


def missing(groups: tuple[str, ...]) -> list[Need]:
    """What the groups ask for and is neither on the machine nor in the sysroot."""
    cut_off = UNFINISHED.read_text().split() if UNFINISHED.exists() else []
    needs = [need for group in groups for need in GROUPS[group]]
    return [need for need in needs if not need.present() or need.packages[0] in cut_off]


def install(needs: list[Need], run: Run) -> None:
    """Install what is missing. Raises ``RuntimeError`` (with what to do) off Debian or if something is still missing."""
    names = [name for need in needs for name in need.packages]
    if shutil.which("apt-get") is None:
        raise RuntimeError(f"this machine has no apt-get; install these by hand: {' '.join(names)}")
    UNFINISHED.parent.mkdir(parents=True, exist_ok=True)
    UNFINISHED.write_text(" ".join(names))
    if os.geteuid() == 0:
        apt_install(names, run)
    else:
        _unpack(names, run)
    still = [need.packages[0] for need in needs if not need.present()]
    if still:
        raise RuntimeError(f"still missing after installing: {' '.join(still)}")
    UNFINISHED.unlink()


def apt_install(names: list[str], run: Run) -> None:
    """As root: install by the package manager, start no service."""
    env = {"DEBIAN_FRONTEND": "noninteractive", "UCF_FORCE_CONFFOLD": "1", "RUNLEVEL": "1", "LC_ALL": "C.UTF-8"}
    command: tuple[str, ...] = ("apt-get", "-y", "-qq", "-o", "Dpkg::Use-Pty=0")
    command += ("-o", "Dpkg::Options::=--force-confold")
    command += ("-o", "DPkg::Lock::Timeout=300", "-o", "Acquire::Retries=3", "install", "--no-install-recommends")
    with _ONE_AT_A_TIME, _no_services():
        try:
            run(*command, *names, env=env)
        except subprocess.CalledProcessError:
            # No or old package lists, or an installation that was cut off.
            run("dpkg", "--configure", "-a", env=env)
            run("apt-get", "-qq", "-o", "DPkg::Lock::Timeout=300", "update", env=env)
            run(*command, *names, env=env)
    if Path("/run/systemd/system").is_dir():
        for package, service in (("mosquitto", "mosquitto"), ("postgresql-15", "postgresql")):
            if package in names:
                run("systemctl", "disable", "--quiet", service)


@contextmanager
def _no_services() -> Iterator[None]:
    """While packages are installed: start no service, make no database cluster. We start our own, on private ports."""
    files = {
        Path("/usr/sbin/policy-rc.d"): "#!/bin/sh\nexit 101\n",
        Path("/etc/postgresql-common/createcluster.conf"): "create_main_cluster = false\n",
    }
    ours = [path for path in files if not path.exists()]
    for path in ours:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(files[path])
        path.chmod(0o755 if path.suffix == ".d" else 0o644)
    try:
        yield
    finally:
        for path in ours:
            if path.exists() and path.read_text() == files[path]:
                path.unlink()


def _unpack(names: list[str], run: Run) -> None:
    """Download the packages and what they depend on (and this machine lacks), unpack them, install nothing."""
    state, cache = where.CACHE / "apt/state", where.CACHE / "apt/cache"
    for folder in (state / "lists/partial", cache / "archives/partial", where.SYSROOT):
        folder.mkdir(parents=True, exist_ok=True)
    apt: tuple[str, ...] = (
        "apt-get",
        "-y",
        "-qq",
        "-o",
        f"Dir::State={state}",
        "-o",
        "Dir::State::status=/var/lib/dpkg/status",
    )
    apt += ("-o", f"Dir::Cache={cache}", "-o", "Debug::NoLocking=1", "-o", "Acquire::Retries=3")
    run(*apt, "update")
    run(*apt, "install", "--no-install-recommends", "--download-only", *names)
    for archive in sorted((cache / "archives").glob("*.deb")):
        if archive.name.partition("_")[0] not in NEVER_UNPACKED:
            run("dpkg-deb", "--extract", str(archive), str(where.SYSROOT))
        archive.unlink()  # unpacked: a repeated run starts with what is left
    _write_fonts_conf()


def _write_fonts_conf() -> None:
    conf_d = next((root / "etc/fonts/conf.d" for root in where.roots() if (root / "etc/fonts/conf.d").is_dir()), "")
    text = FONTS_CONF.format(sysroot=where.SYSROOT, cache=where.CACHE, conf_d=conf_d)
    (where.CACHE / "fonts.conf").write_text(text)
