"""`estate-edge probe` at addresses where something else lives: it says so, ends, and never crashes."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Awaitable, Callable

import pytest
from edge_twins import run

from edge_agent.probe import Probed, parse
from edge_agent.probe_kinds import probe

Says = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


async def silent(reader: asyncio.StreamReader, _writer: asyncio.StreamWriter) -> None:
    await reader.read()


async def hangs_up(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.transport.abort()


async def hangs_up_when_asked(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await reader.read(12)
    writer.close()


async def web_server(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while await reader.read(1024):
        writer.write(b"HTTP/1.1 400 Bad Request\r\nContent-Type: text/html\r\n\r\n<html><body>400</body></html>")
        await writer.drain()


async def chatterbox(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while True:
        writer.write(bytes(range(256)) * 16)
        await writer.drain()


async def half_an_answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while data := await reader.read(12):
        writer.write(data[:2] + b"\0\0\0\x05" + data[6:7])
        await writer.drain()


async def no_to_everything(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while data := await reader.read(12):
        writer.write(data[:4] + b"\0\x03" + data[6:7] + bytes((data[7] | 0x80, 1)))
        await writer.drain()


async def odd_lengths(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Answers each question with one byte of data, whatever was asked."""
    while data := await reader.read(12):
        writer.write(data[:4] + b"\0\x04" + data[6:8] + b"\x01\x00")
        await writer.drain()


def look(says: Says, scheme: str) -> tuple[Probed, float]:
    async def whole() -> tuple[Probed, float]:
        tasks: set[asyncio.Task[None]] = set()

        async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            with contextlib.suppress(ConnectionError, asyncio.CancelledError):
                await says(reader, writer)
            writer.transport.abort()

        def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            tasks.add(asyncio.create_task(serve(reader, writer)))

        server = await asyncio.start_server(accept, "127.0.0.1", 0)
        address = f"{scheme}127.0.0.1:{server.sockets[0].getsockname()[1]}" + ("?unit=1" if says is silent else "")
        began = time.monotonic()
        device = address.replace("?", "/1?") if "?" in address else address + "/1"
        found = await probe(parse(device if "face" in scheme else address), address, "p", 0.2)
        took = time.monotonic() - began
        server.close()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        return found, took

    return run(whole())


@pytest.mark.parametrize("scheme", ["modbus+tcp://", "modbus+rtu-over-tcp://"])
@pytest.mark.parametrize("says", [silent, hangs_up, hangs_up_when_asked, web_server, chatterbox, half_an_answer])
def test_what_is_no_modbus_is_told_as_no_answer(says: Says, scheme: str) -> None:
    found, took = look(says, scheme)
    assert not found.answered
    assert found.notes, "why is said"
    assert took < 25


@pytest.mark.parametrize("says", [no_to_everything, odd_lengths])
def test_a_device_that_answers_nothing_useful_has_answered(says: Says) -> None:
    found, _ = look(says, "modbus+tcp://")
    assert found.answered
    assert found.kind.startswith("modbus")


@pytest.mark.parametrize("scheme", ["onvif://u@", "face-mqtt://u@"])
@pytest.mark.parametrize("says", [silent, hangs_up, web_server, chatterbox])
def test_other_schemes_at_something_else(says: Says, scheme: str) -> None:
    found, took = look(says, scheme)
    assert not found.answered
    assert found.notes
    assert took < 25
