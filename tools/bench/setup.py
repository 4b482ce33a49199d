"""`setup.cold`: how long `make setup` takes in a fresh clone with empty caches."""

from __future__ import annotations

import os
import subprocess
import tempfile
import time
from pathlib import Path

from tools.bench.figure import Figure

ROOT = Path(__file__).resolve().parents[2]
GOAL_S = 180.0


def measure() -> list[Figure]:
    """Clones the committed state, empties every cache by pointing it elsewhere, and runs the target."""
    with tempfile.TemporaryDirectory(prefix="estate-setup-") as folder:
        clone = Path(folder) / "clone"
        subprocess.run(["git", "clone", "--quiet", str(ROOT), str(clone)], check=True)
        caches = {
            "UV_CACHE_DIR": f"{folder}/uv",
            "PIP_CACHE_DIR": f"{folder}/pip",
            "npm_config_cache": f"{folder}/npm",
            "XDG_CACHE_HOME": f"{folder}/xdg",
        }
        kept = {
            k: v for k, v in os.environ.items() if k != "VIRTUAL_ENV" and not k.startswith("MAKE") and k != "MFLAGS"
        }
        times = []
        for _ in range(2):
            began = time.monotonic()
            subprocess.run(["make", "setup"], cwd=clone, env=kept | caches, check=True, stdout=subprocess.DEVNULL)
            times.append(time.monotonic() - began)
    cold, warm = times
    return [
        Figure("setup.cold", round(cold, 1), "s, fresh clone, empty package caches", f"second run {warm:.2f} s",
               round(cold / warm, 1), f"< {GOAL_S:g} s", cold < GOAL_S),
    ]  # fmt: skip
