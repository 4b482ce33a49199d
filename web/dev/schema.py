"""Writes web/openapi.json from the hub's application: `.venv/bin/python web/dev/schema.py && npm --prefix web run types`."""

from __future__ import annotations

import json
import sys
import tempfile
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from hub.app import create_app
from hub.config import Config
from hub.services import open_hub

with tempfile.TemporaryDirectory() as directory:
    schema = create_app(open_hub(Config(dir=Path(directory)))).openapi()
target = Path(__file__).resolve().parents[1] / "openapi.json"
target.write_text(json.dumps(schema, ensure_ascii=False, indent=1, sort_keys=True) + "\n")
