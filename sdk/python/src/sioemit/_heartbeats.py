"""Servers of the streams adapter before 0.3, which subscribe to nothing, and answer by an entry.

They add a heartbeat when they have added nothing else for five seconds, and take one who is silent for ten for gone.
"""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from typing import Any, NamedTuple

from ._adapters import UID, Streams, Target
from ._answers import Confirmation
from ._asker import Asker, RefusedError, look_by
from ._encoding import Limits
from ._redis import text
from ._sent import number

SILENCE = 11_000  # milliseconds
PAGE = 500  # entries
LONGEST_PAUSE = 0.05  # seconds

# How these servers name themselves.
SERVER = re.compile(r"[0-9a-f]{16}")

# Types of messages.
CLOSE, SOCKETS = "13", "8"


class Beats(NamedTuple):
    """The servers of a namespace that have been heard, with when that was, in milliseconds of the clock of Redis."""

    until: str  # an entry, until which all are known
    heard: dict[str, int]


async def ask_old(asker: Asker, adapter: Streams) -> int:
    """Ask the servers that nothing but their entries shows, and return how many there are."""
    stream = adapter.stream(asker.namespace)
    heard = await _listen(asker, stream, adapter.max_len)
    if not heard:
        return 0
    question = Confirmation(len(heard))
    target = Target(asker.namespace, (question.nobody,))
    added = await look_by(asker, *adapter.ask(target, question, question.nobody, Limits(None, None)))
    at = asked = text(added)
    missing = set(heard)
    pause = 0.001
    while missing:
        if time.monotonic() >= asker.deadline:
            raise asker.incomplete(question)
        entries = await _entries(asker, stream, f"({at}", "+")
        for entry, uid, fields in entries:
            at = entry
            if fields.get("type") == SOCKETS and question.nobody in fields.get("data", ""):
                missing.discard(uid)
        question.answers = len(heard) - len(missing)
        if entries or not missing:
            pause = 0.001
            continue
        await asker.pause(min(pause, max(asker.deadline - time.monotonic(), 0)))
        pause = min(2 * pause, LONGEST_PAUSE)
    asker.sent.beats[asker.namespace] = Beats(asked, dict.fromkeys(heard, number(asked)[0]))
    return len(heard)


async def _listen(asker: Asker, stream: str, max_len: int) -> dict[str, int]:
    """Return the servers that have been heard in the last seconds."""
    node = asker.node_of(stream)
    seconds, micros = await look_by(asker, "TIME", node=node)
    now = int(seconds) * 1000 + int(micros) // 1000
    since, start, heard = now - SILENCE, str(now - SILENCE), {}
    last: Beats | None = asker.sent.beats.get(asker.namespace)
    if last is not None and number(last.until)[0] > since:
        start = last.until
        heard = {uid: at for uid, at in last.heard.items() if at >= since}
    first = start
    while True:
        entries = await _entries(asker, stream, start, "+")
        for entry, uid, fields in entries:
            if fields.get("nsp") != asker.namespace or uid == UID or not SERVER.fullmatch(uid):
                continue
            if fields.get("type") == CLOSE:
                heard.pop(uid, None)
            else:
                heard[uid] = number(entry)[0]
        if len(entries) < PAGE:
            break
        if time.monotonic() >= asker.deadline:  # they are added faster than they are read
            raise asker.incomplete(Confirmation(len(heard)))
        start = f"({entries[-1][0]}"
    # What was trimmed has not been heard.
    oldest = await _entries(asker, stream, "-", "+", 1)
    if not oldest or not heard:
        return {}
    if number(oldest[0][0]) > number(first) and await look_by(asker, "XLEN", stream) >= max_len:
        held = (now - number(oldest[0][0])[0]) / 1000  # seconds
        raise RefusedError(f"the stream holds no more than the last {held:g}s, in which a server may have said nothing")
    return heard


async def _entries(
    asker: Asker, stream: str, start: str, end: str, count: int = PAGE
) -> list[tuple[str, str, dict[str, str]]]:
    """Return entries: the id of each, the uid of who has added it, and its fields."""
    reply = await look_by(asker, "XRANGE", stream, start, end, "COUNT", str(count))
    return list(_read(reply))


def _read(reply: Any) -> Iterator[tuple[str, str, dict[str, str]]]:
    for entry, fields in reply:
        texts = {text(name): text(value) for name, value in (fields or {}).items()}
        yield text(entry), texts.get("uid", ""), texts
