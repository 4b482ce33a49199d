"""What the simulated lease system sends of its own accord: the hub's own fields, no amount, no name; over a real socket."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from simulators.cli import app
from simulators.lease_words import PATH, sign_body

Heard = list[tuple[str, str, dict[str, Any]]]


@pytest.fixture
def hub(tmp_path: Path) -> Iterator[tuple[list[str], Heard]]:
    """(options that name it, what it heard): answers as the hub does, 422 to a class it does not know."""
    heard: Heard = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            heard.append((self.path, self.headers["X-Api-Key"], body))
            self.send_response(422 if body.get("sign") == "rent_amount" else 202)
            self.end_headers()
            self.wfile.write(json.dumps({"id": body["id"], "result": "sign kept"}).encode())

        def log_message(self, *_args: object) -> None:
            """Quiet."""

    server = HTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    key = tmp_path / "lease.key"
    key.write_text("ek_1\n", encoding="utf-8")
    yield ["--hub", f"http://127.0.0.1:{server.server_port}/", "--api-key-file", str(key)], heard
    server.shutdown()
    server.server_close()


def test_a_sign_is_a_class_and_its_days() -> None:
    body = sign_body("s-1", "rent_by_other", "E001-B1-0301", "2026-11-28", "", "")
    assert body == {
        "id": "s-1", "kind": "outside_sign", "dwelling_code": "E001-B1-0301", "sign": "rent_by_other", "on": "2026-11-28",
    }  # fmt: skip
    assert sign_body("s-2", "", "", "", "", "s-1") == {"id": "s-2", "kind": "outside_sign", "withdraws": "s-1"}


def test_signs_and_words_reach_the_hub(hub: tuple[list[str], Heard]) -> None:
    options, heard = hub
    run = CliRunner().invoke
    sign = [
        "control",
        "sign",
        "rent_by_other",
        "--dwelling",
        "E001-B1-0301",
        "--on",
        "2026-11-28",
        "--id",
        "s-1",
        *options,
    ]
    assert "sign kept" in run(app, sign).output
    told = [
        "control",
        "tell",
        "case_result",
        "--case",
        "E001-2026-0006",
        "--words",
        "判决解除",
        "--document",
        "民初1号",
        *options,
    ]
    assert run(app, [*told, *options]).exit_code == 0
    assert [(path, key) for path, key, _ in heard] == [(PATH, "ek_1")] * 2
    assert heard[1][2] | {"id": ""} == {
        "id": "", "kind": "case_result", "case_number": "E001-2026-0006", "result": "判决解除", "document_number": "民初1号",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("args", "words"),
    [
        (["sign"], "either a class"),
        (["sign", "rent_amount", "--dwelling", "E001-B1-0301"], "422"),
        (["tell", "verdict", "--case", "1", "--words", "x"], "kind must be one of"),
    ],
)
def test_what_cannot_be_sent_says_why(hub: tuple[list[str], Heard], args: list[str], words: str) -> None:
    answer = CliRunner().invoke(app, ["control", *args, *hub[0]])
    assert answer.exit_code != 0
    assert words in answer.output
