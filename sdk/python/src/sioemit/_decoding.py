"""Bytes of servers to values.

Whoever may publish in Redis may write them, so that nothing is built by what a header claims, and no value costs more
than its size justifies.
"""

from __future__ import annotations

import json
import math
import re
import struct
from datetime import datetime, timedelta, timezone
from typing import Any, NoReturn

from ._values import MAX_DEPTH, well_formed

# About what values take in memory, in bytes. Answers of servers take up to 14 times their size, made-up ones 200 times.
OBJECT, ARRAY, ELEMENT = 320, 48, 64
MOST = 64 << 20


class UnreadableError(ValueError):
    """What no server of these adapters writes."""


def decode(payload: bytes) -> Any:
    """Return the value that a message is: JSON when it starts as an object or a list does, else MessagePack."""
    return _from_json(payload) if payload[:1] in (b"{", b"[") else _Unpacker(payload).value()


def _allowed(size: int) -> int:
    return MOST + 16 * size


_STRING = re.compile(rb'"(?:[^"\\]|\\.)*"', re.DOTALL)


def _from_json(payload: bytes) -> Any:
    if _cost(payload) > _allowed(len(payload)) and _cost(_STRING.sub(b"", payload)) > _allowed(len(payload)):
        raise UnreadableError("it would take far more memory than its size justifies")
    text = payload.decode("utf-8", "replace")
    try:
        value = json.loads(text, parse_constant=_no_constant)
    except RecursionError:
        value = _deep_json(text)  # the C decoder gives up at the depth that Python's stack has left
    except ValueError as err:
        raise UnreadableError("it is no JSON") from err
    return _arrived(value)


def _cost(text: bytes) -> int:
    objects, arrays = text.count(b"{"), text.count(b"[")
    elements = objects + arrays + text.count(b",") + text.count(b":")
    return OBJECT * objects + ARRAY * arrays + ELEMENT * elements


def _no_constant(name: str) -> NoReturn:
    message = f"{name} is no JSON"
    raise ValueError(message)


_SPACE = re.compile(r"[ \t\r\n]*")


def _deep_json(text: str) -> Any:  # noqa: PLR0915 - a grammar reads best in one place
    """Decode JSON with a flat call stack."""
    scan = json.JSONDecoder(parse_constant=_no_constant).raw_decode
    root: list[Any] = []
    stack: list[list[Any] | dict[str, Any]] = [root]
    key = ""
    at = 0
    fresh = True  # the container has nothing in it yet

    def skip() -> str:
        nonlocal at
        at = _SPACE.match(text, at).end()  # type: ignore[union-attr] # which matches everywhere
        return text[at : at + 1]

    try:
        while True:
            to = stack[-1]
            char = skip()
            if to is not root and char == ("}" if isinstance(to, dict) else "]"):
                at += 1
                stack.pop()
                fresh = False
                continue
            if to is root and root:
                if char:
                    raise UnreadableError("something stands behind the JSON")
                return root[0]
            if not fresh:
                if char != ",":
                    raise UnreadableError("it is no JSON")
                at += 1
                char = skip()
            if isinstance(to, dict):
                if char != '"':
                    raise UnreadableError("it is no JSON")
                key, at = scan(text, at)
                if skip() != ":":
                    raise UnreadableError("it is no JSON")
                at += 1
                char = skip()
            value: Any
            if char in ("{", "["):
                value = {} if char == "{" else []
                at += 1
            else:
                value, at = scan(text, at)
            if isinstance(to, dict):
                to[key] = value
            else:
                to.append(value)
            fresh = char in ("{", "[")
            if fresh:
                stack.append(value)
                if len(stack) - 1 > MAX_DEPTH:
                    _too_deep()
    except ValueError as err:
        raise UnreadableError("it is no JSON") from err


def _too_deep() -> NoReturn:
    message = f"it is nested deeper than {MAX_DEPTH:,} levels"
    raise UnreadableError(message)


def _arrived(value: Any) -> Any:
    """Return decoded JSON with binary where JSON.stringify found some. The containers are changed where they are."""
    root = [value]
    level: list[list[Any] | dict[str, Any]] = [root]
    for _ in range(MAX_DEPTH + 1):
        below: list[list[Any] | dict[str, Any]] = []
        for container in level:
            items = enumerate(container) if isinstance(container, list) else list(container.items())
            for key, item in items:
                kind = type(item)
                new = item
                if kind is str:
                    new = item if item.isascii() else well_formed(item)
                elif kind is float:
                    new = item if math.isfinite(item) else None
                elif kind is dict:
                    new = _buffer(item)
                if new is not item:
                    container[key] = new  # type: ignore[index] # an index of the list, or a key of the object
                if kind is list or (kind is dict and new is item):
                    below.append(item)
            if isinstance(container, dict):
                for key in [key for key in container if not key.isascii() and well_formed(key) != key]:
                    container[well_formed(key)] = container.pop(key)
        if not below:
            return root[0]
        level = below
    _too_deep()


def _buffer(item: dict[str, Any]) -> Any:
    """Return the bytes that {"type":"Buffer","data":[...]} stands for, and other objects as they are."""
    data = item.get("data")
    if len(item) == 2 and item.get("type") == "Buffer" and isinstance(data, list):
        try:
            if all(type(n) is int for n in data):
                return bytes(data)
        except ValueError:
            pass  # a number that is no byte
    return item


# How many bytes a header of MessagePack has behind its first one, what they hold, and what that is.
_SIZED = {
    0xC4: ("bin", 1), 0xC5: ("bin", 2), 0xC6: ("bin", 4), 0xC7: ("ext", 1), 0xC8: ("ext", 2), 0xC9: ("ext", 4),
    0xD9: ("str", 1), 0xDA: ("str", 2), 0xDB: ("str", 4), 0xDC: ("array", 2), 0xDD: ("array", 4),
    0xDE: ("map", 2), 0xDF: ("map", 4),
}  # fmt: skip
_NUMBERS = {
    0xCA: ">f", 0xCB: ">d", 0xCC: ">B", 0xCD: ">H", 0xCE: ">I", 0xCF: ">Q", 0xD0: ">b", 0xD1: ">h", 0xD2: ">i",
    0xD3: ">q",
}  # fmt: skip
_CONSTANTS: dict[int, bool | None] = {0xC0: None, 0xC2: False, 0xC3: True}

# What notepack.io 2, the encoder of adapters before 8, makes of undefined.
_UNDEFINED = object()


class _Unpacker:
    """Decodes MessagePack with a flat call stack. msgpack makes a list as long as its header claims."""

    def __init__(self, payload: bytes) -> None:
        self._bytes = payload
        self._at = 0
        self._cost = 0

    def value(self) -> Any:
        """Return the value that takes up all of it."""
        root: list[Any] = []
        stack: list[list[Any] | dict[str, Any]] = [root]
        left = [1]  # elements to come, for each on the stack
        while True:
            while not left[-1]:
                stack.pop()
                left.pop()
                if not stack:
                    if self._at < len(self._bytes):
                        raise UnreadableError("something stands behind the MessagePack")
                    return root[0]
            left[-1] -= 1
            to = stack[-1]
            key = self._key() if isinstance(to, dict) else ""
            value, n = self._next()
            if isinstance(to, list):
                to.append(None if value is _UNDEFINED else value)
            elif value is not _UNDEFINED:
                to[key] = value
            if n >= 0:
                stack.append(value)
                left.append(n)
                if len(stack) - 1 > MAX_DEPTH:
                    _too_deep()

    def _next(self) -> tuple[Any, int]:
        """Return a value; of a container that is to be filled, how many elements come, and -1 of others."""
        try:
            head = self._bytes[self._at]
        except IndexError:
            raise UnreadableError("it ends too early") from None
        self._at += 1
        if head <= 0x7F:
            return head, -1
        if head <= 0x8F:
            return self._container("map", head & 0x0F)
        if head <= 0x9F:
            return self._container("array", head & 0x0F)
        if head <= 0xBF:
            return self._text(head & 0x1F), -1
        if head >= 0xE0:
            return head - 0x100, -1
        if head in _CONSTANTS:
            return _CONSTANTS[head], -1
        if head in _NUMBERS:
            form = _NUMBERS[head]
            number = struct.unpack(form, self._take(struct.calcsize(form)))[0]
            return (None if isinstance(number, float) and not math.isfinite(number) else number), -1
        if 0xD4 <= head <= 0xD8:
            return self._extension(1 << (head - 0xD4)), -1
        if head == 0xC1:
            raise UnreadableError("no value of MessagePack starts so")
        kind, width = _SIZED[head]
        size = int.from_bytes(self._take(width), "big")
        if kind == "str":
            return self._text(size), -1
        if kind == "bin":
            return self._take(size), -1
        if kind == "ext":
            return self._extension(size), -1
        return self._container(kind, size)

    def _container(self, kind: str, size: int) -> tuple[Any, int]:
        elements = size if kind == "array" else 2 * size
        self._cost += (ARRAY if kind == "array" else OBJECT) + ELEMENT * elements
        if self._cost > _allowed(len(self._bytes)):
            raise UnreadableError("it would take far more memory than its size justifies")
        return ([] if kind == "array" else {}), size

    def _take(self, size: int) -> bytes:
        start, self._at = self._at, self._at + size
        if self._at > len(self._bytes):
            raise UnreadableError("it ends too early")
        return self._bytes[start : self._at]

    def _text(self, size: int) -> str:
        return self._take(size).decode("utf-8", "replace")

    def _key(self) -> str:
        """Return a key: JavaScript has nothing but text there, other encoders also write numbers and binary."""
        key, n = self._next()
        if isinstance(key, str):
            return key
        if isinstance(key, bytes):
            return key.decode("utf-8", "replace")
        if type(key) is int and n < 0:
            return str(key)
        raise UnreadableError("a key of an object is no text")

    def _extension(self, size: int) -> Any:
        kind = int.from_bytes(self._take(1), "big", signed=True)
        data = self._take(size)
        if kind == -1 and size in (4, 8, 12):
            return _timestamp(data)
        if kind != 0:
            return [kind, data]
        # Of type 0 notepack.io 2 writes undefined, a Date, of eight bytes, or an ArrayBuffer.
        if data == b"\x00":
            return _UNDEFINED
        if size == 8:
            milliseconds = int.from_bytes(data, "big", signed=True)
            if abs(milliseconds) <= 8_640_000_000_000_000:
                return _iso(milliseconds)
        return data


def _timestamp(data: bytes) -> str | None:
    if len(data) == 4:
        seconds, nanoseconds = int.from_bytes(data, "big"), 0
    elif len(data) == 8:
        both = int.from_bytes(data, "big")
        seconds, nanoseconds = both & ((1 << 34) - 1), both >> 34
    else:
        seconds, nanoseconds = int.from_bytes(data[4:], "big", signed=True), int.from_bytes(data[:4], "big")
    return _iso(seconds * 1000 + nanoseconds // 1_000_000)


def _iso(milliseconds: int) -> str | None:
    """Return the text that JSON.stringify makes of a Date. Its years go further than Python's."""
    if abs(milliseconds) > 8_640_000_000_000_000:
        return None
    cycles, rest = divmod(milliseconds, 146_097 * 86_400_000)  # the calendar repeats after 400 years
    time = datetime(1970, 1, 1, tzinfo=timezone.utc) + timedelta(milliseconds=rest)
    year = time.year + 400 * cycles
    prefix = f"{year:04d}" if 0 <= year <= 9999 else f"{year:+07d}"
    return f"{prefix}-{time:%m-%dT%H:%M:%S}.{time.microsecond // 1000:03d}Z"
