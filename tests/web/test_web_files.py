"""The files of the console, as the hub hands them out."""

from __future__ import annotations

import os
from pathlib import Path
from types import SimpleNamespace

import httpx
from fastapi import FastAPI
from fastapi.testclient import TestClient
from web_estate import Served

from hub.config import Config
from hub.console import add_console

IMMUTABLE = "public, max-age=31536000, immutable"


def test_the_program_comes_compressed_to_whoever_takes_it_so_and_whole_to_others(standing: Served, dist: Path) -> None:
    for file in (dist / "assets").iterdir():
        address = f"{standing.url}/assets/{file.name}"
        packed = httpx.get(address, headers={"Accept-Encoding": "gzip"}, trust_env=False)
        plain = httpx.get(address, headers={"Accept-Encoding": "identity"}, trust_env=False)
        assert packed.content == plain.content == file.read_bytes()
        assert (packed.headers["content-encoding"], packed.headers["vary"]) == ("gzip", "Accept-Encoding")
        assert int(packed.headers["content-length"]) < int(plain.headers["content-length"])
        for name in ("content-type", "content-security-policy"):
            assert packed.headers[name] == plain.headers[name]
        assert packed.headers["cache-control"] == plain.headers["cache-control"] == IMMUTABLE


def test_a_file_that_changed_is_compressed_again(tmp_path: Path) -> None:
    (tmp_path / "assets").mkdir()
    (tmp_path / "index.html").write_text("<!doctype html>")
    file = tmp_path / "assets" / "App.js"
    app = FastAPI()
    add_console(app)
    app.state.hub = SimpleNamespace(config=Config(dir=tmp_path, web_dir=tmp_path))
    client = TestClient(app)
    for number, text in enumerate(("first();", "second();")):
        file.write_text(text)
        os.utime(file, (number, number))
        answer = client.get("/assets/App.js")
        assert (answer.text, answer.headers["content-encoding"]) == (text, "gzip")
