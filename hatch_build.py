"""Build hook: the wheel carries the built console as `hub/_web`, so that a hub machine needs no Node."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface


class ConsoleHook(BuildHookInterface):  # type: ignore[type-arg,misc]
    """Takes `web/dist` along when it was built (`make web`); says so when it was not."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        if version == "editable":
            return  # the working tree's web/dist is served as it is
        dist = Path(self.root) / "web/dist"
        if (dist / "index.html").is_file():
            build_data["force_include"][str(dist)] = "hub/_web"
        else:
            self.app.display_warning("web/dist is not built: this wheel has no console (run `make web` first)")
