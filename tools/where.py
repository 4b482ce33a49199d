"""Where the outside programs are: the broker, its plugin, PostgreSQL, a browser.

Looked up in this order: the ``ESTATE_*`` variable, the machine, the project's own unpacked packages (``.cache/sysroot``,
made by ``tools.packages`` when set-up does not run as root). Standard library only: it runs before anything is installed.

``python3 -m tools.where`` prints ``export`` lines for a POSIX shell; ``eval "$(python3 -m tools.where)"``.
"""

from __future__ import annotations

import os
import platform
import shlex
import shutil
import sys
from collections.abc import Iterable
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
CACHE = ROOT / ".cache"
SYSROOT = CACHE / "sysroot"
TRIPLET = f"{platform.machine()}-linux-gnu"
LIB_DIRS = (f"usr/lib/{TRIPLET}", f"lib/{TRIPLET}", "usr/lib", "lib")
"""Library directories of a Debian tree, relative to ``/`` or to the sysroot."""


def _first(paths: Iterable[Path]) -> Path | None:
    return next((path for path in paths if path.exists()), None)


def _named(variable: str) -> Path | None:
    """The path in an environment variable, if it is set and exists."""
    value = os.environ.get(variable)
    return Path(value) if value and Path(value).exists() else None


def roots() -> tuple[Path, ...]:
    """The trees looked through: the machine first, then the project's unpacked packages."""
    return (Path("/"), SYSROOT)


def program(*names: str) -> Path | None:
    """The first of these programs: on PATH, then in the sbin directories, then in the sysroot."""
    for name in names:
        found = shutil.which(name)
        if found:
            return Path(found)
    folders = ("usr/bin", "usr/sbin", "usr/local/sbin", "sbin")
    return _first(root / folder / name for name in names for root in roots() for folder in folders)


def library(name: str) -> Path | None:
    """A file in a library directory (``mosquitto_dynamic_security.so``, ``girepository-1.0/X.typelib``)."""
    return _first(root / folder / name for root in roots() for folder in (*LIB_DIRS, "usr/local/lib"))


def mosquitto() -> Path | None:
    """The Mosquitto broker."""
    return _named("ESTATE_MOSQUITTO") or program("mosquitto")


def mosquitto_dynsec() -> Path | None:
    """Mosquitto's dynamic-security plugin."""
    return _named("ESTATE_MOSQUITTO_DYNSEC") or library("mosquitto_dynamic_security.so")


def postgres_bin() -> Path | None:
    """The directory that holds ``initdb`` and ``postgres``; Debian keeps it off PATH. The newest version wins."""
    named = _named("ESTATE_PG_BIN")
    if named:
        return named
    for root in roots():
        found = list(root.glob("usr/lib/postgresql/*/bin/initdb"))
        if found:
            return max(found, key=lambda path: float(path.parts[-3])).parent
    on_path = shutil.which("initdb")
    return Path(on_path).resolve().parent if on_path else None


def chromium() -> Path | None:
    """A Chromium: the one without windows where it is there, which costs least to run.

    The start scripts Debian ships have absolute paths, so in the sysroot the binary itself is taken.
    """
    bare = "chromium-headless-shell"
    return (
        _named("ESTATE_CHROMIUM")
        or _first(Path(p) for n in (bare, "chromium", "chromium-browser", "google-chrome") if (p := shutil.which(n)))
        or _first(root / "usr/lib/chromium" / name for name in (bare, "chromium") for root in roots())
    )


def mbpoll() -> Path | None:
    """``mbpoll``: a Modbus client on libmodbus, the second reading of the standard in our tests."""
    return _named("ESTATE_MBPOLL") or program("mbpoll")


def system_python() -> Path | None:
    """The Python Debian's ``python3-gi`` is built for (not the venv's): it runs the third-party RTSP server."""
    return _first(root / "usr/bin/python3" for root in roots())


PROGRAMS = {
    "ESTATE_MOSQUITTO": mosquitto,
    "ESTATE_MOSQUITTO_DYNSEC": mosquitto_dynsec,
    "ESTATE_PG_BIN": postgres_bin,
    "ESTATE_CHROMIUM": chromium,
    "ESTATE_MBPOLL": mbpoll,
}


def _sysroot_environment() -> dict[str, str]:
    """What makes programs in the sysroot find their libraries, fonts and plugins; empty where there is no sysroot."""
    if not SYSROOT.is_dir():
        return {}
    lib = SYSROOT / "usr/lib" / TRIPLET
    # libpulsecommon is found by an absolute RUNPATH on Debian: name its directory too.
    libraries = [*(SYSROOT / folder for folder in LIB_DIRS[:2]), lib / "pulseaudio"]
    after = {
        "PATH": [SYSROOT / "usr/bin", SYSROOT / "usr/sbin"],
        "LD_LIBRARY_PATH": libraries,
        "GI_TYPELIB_PATH": [lib / "girepository-1.0"],
        "GST_PLUGIN_PATH": [lib / "gstreamer-1.0"],
    }
    result: dict[str, str] = {}
    for variable, folders in after.items():
        present = [part for part in os.environ.get(variable, "").split(":") if part]
        result[variable] = ":".join([*present, *(str(f) for f in folders if f.is_dir() and str(f) not in present)])
    result["GST_REGISTRY"] = str(CACHE / "gst-registry.bin")
    if (SYSROOT / "usr/share/fonts").is_dir():
        result["ESTATE_FONTS"] = str(SYSROOT / "usr/share/fonts")
    fonts = CACHE / "fonts.conf"
    if fonts.is_file():
        result["FONTCONFIG_FILE"] = str(fonts)
    scanner = lib / "gstreamer1.0/gstreamer-1.0/gst-plugin-scanner"
    if scanner.is_file():
        result["GST_PLUGIN_SCANNER"] = str(scanner)
    gi = SYSROOT / "usr/lib/python3/dist-packages"
    if (gi / "gi").is_dir():
        # Not PYTHONPATH: that would leak Debian's packages into the project's own Python.
        result["ESTATE_GI_PYTHONPATH"] = str(gi)
    return {key: value for key, value in result.items() if value}


def environment() -> dict[str, str]:
    """The variables under which everything is found; what is not installed is left out."""
    found = {variable: str(path) for variable, find in PROGRAMS.items() if (path := find()) is not None}
    return found | _sysroot_environment()


if __name__ == "__main__":
    for key, value in environment().items():
        sys.stdout.write(f"export {key}={shlex.quote(value)}\n")
