"""The README's code, and the example, do what they say."""

from __future__ import annotations

import asyncio
import re
import runpy
from pathlib import Path
from typing import TYPE_CHECKING, Any
from unittest import mock

import redis
import redis.asyncio

if TYPE_CHECKING:
    import pytest

    from .conftest import Listener

HERE = Path(__file__).parent.parent


def test_readme(client: redis.Redis, port: int, listener: Listener, capsys: pytest.CaptureFixture[str]) -> None:
    blocks = re.findall(r"```python\n(.*?)```", (HERE / "README.md").read_text(), re.DOTALL)
    assert len(blocks) >= 6
    names: dict[str, Any] = {}
    with mock.patch("redis.Redis", return_value=client):
        for block in blocks:
            exec(compile(block, "README.md", "exec"), names)
            if "notify" in names:
                asyncio.run(notified(names.pop("notify"), port))
                names["Redis"] = lambda **_: client
    channel, (_, packet, _) = listener.next()
    assert (channel, packet["data"]) == ("socket.io#/#", ["hello", "world"])
    channel, (_, packet, options) = listener.next()
    assert (channel, packet["data"][0], options["except"]) == ("socket.io#/#user:7#", "order:paid", ["muted"])
    channel, (_, packet, _) = listener.next()
    assert (channel, packet["data"]) == ("socket.io#/admin#", ["photo", b"\xff\xd8"])
    assert listener.args() == [{"id": 12345}]
    assert [listener.next()[1][1]["data"] for _ in range(2)] == [["a"], ["b"]]
    assert [listener.args() for _ in range(1000)] == [[n] for n in range(1000)]
    assert capsys.readouterr().out == "empty-room\n"


async def notified(notify: Any, port: int) -> None:
    async with redis.asyncio.Redis(port=port) as client:
        await notify(client)


def test_example(port: int, listener: Listener, capsys: pytest.CaptureFixture[str]) -> None:
    runpy.run_path(str(HERE / "example.py"))["main"](f"redis://127.0.0.1:{port}")
    assert [listener.next()[0] for _ in range(3)] == ["socket.io#/#user:7#", "socket.io#/#", "socket.io-request#/#"]
    assert capsys.readouterr().out == "0 servers listen\n"
