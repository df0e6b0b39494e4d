"""What servers write, and what nobody should."""

from __future__ import annotations

import datetime
import json
import tracemalloc
from typing import Any

import msgpack
import pytest

from sioemit._decoding import UnreadableError, decode

DAY = datetime.datetime(2026, 1, 2, 3, 4, 5, 678000, datetime.timezone.utc)


def nested(levels: int) -> str:
    return '{"a":[' * (levels // 2) + "[" * (levels % 2) + "]" * (levels % 2) + "]}" * (levels // 2)


@pytest.mark.parametrize(
    "value",
    [
        {"a": [1, -1, 127, 128, 255, 256, 65535, 65536, -32, -33, -129, -32769, 2**32, -(2**31) - 1, 2**63, 1.5]},
        {"text": ["", "é" * 20, "x" * 40, "x" * 300, "x" * 70000], "é": None, "b": [True, False]},
        {"long": list(range(20)), "longer": list(range(70000)), "map": {str(n): n for n in range(70000)}},
    ],
)
def test_both_forms_of_a_value(value: Any) -> None:
    assert decode(msgpack.packb(value)) == value
    assert decode(json.dumps(value).encode()) == value
    assert decode(json.dumps(value, ensure_ascii=False).encode()) == value


def test_binary() -> None:
    for size in (0, 1, 300, 70000):
        value = {"b": [b"\xff" * size]}
        assert decode(msgpack.packb(value)) == value
        assert decode(json.dumps({"b": [{"type": "Buffer", "data": [255] * size}]}).encode()) == value
    for other in ({"type": "Buffer"}, {"type": "Buffer", "data": [256]}, {"type": "Buffer", "data": [1.0, True]}):
        assert decode(json.dumps({"b": other}).encode()) == {"b": other}


def test_extensions_of_notepack() -> None:
    packed = msgpack.packb(
        {
            "date": msgpack.Timestamp.from_datetime(DAY),
            "undefined": msgpack.ExtType(0, b"\0"),
            "list": [msgpack.ExtType(0, b"\0"), msgpack.ExtType(0, b"ab"), msgpack.ExtType(5, b"x" * 17)],
            "old date": msgpack.ExtType(0, int(DAY.timestamp() * 1000).to_bytes(8, "big")),
            "year 10000": msgpack.ExtType(0, (253402300800000).to_bytes(8, "big")),
            "year -1": msgpack.ExtType(0, (-62198755200000).to_bytes(8, "big", signed=True)),
            "nan": [float("nan"), float("inf")],
        }
    )
    assert decode(packed) == {
        "date": "2026-01-02T03:04:05.678Z",
        "list": [None, b"ab", [5, b"x" * 17]],
        "old date": "2026-01-02T03:04:05.678Z",
        "year 10000": "+010000-01-01T00:00:00.000Z",
        "year -1": "-000001-01-01T00:00:00.000Z",
        "nan": [None, None],
    }


def test_broken_text() -> None:
    assert decode(b'{"a\\ud800":"\\ud83d\\ude00\\udc00\xff"}') == {"a\ufffd": "\U0001f600\ufffd\ufffd"}
    assert decode(b"\x81\xa1\xff\xa1\xff") == {"\ufffd": "\ufffd"}


def test_keys_of_other_encoders() -> None:
    assert decode(msgpack.packb({1: "a", b"b": "b"})) == {"1": "a", "b": "b"}


@pytest.mark.parametrize("text", [nested(900), nested(999), nested(1000)])
def test_levels(text: str) -> None:
    value = decode(text.encode())
    for _ in range(text.count("{") + text.count("[") - 1):
        value = value["a"] if isinstance(value, dict) else value[0]
    assert value in ([], {})


@pytest.mark.parametrize(
    "payload",
    [
        *(nested(levels).encode() for levels in (1001, 5000, 100_000)),
        b"[" * 100_000,
        b'{"a":' * 100_000,
        b"{" * 100_000,
        b"\x91" * 1001 + b"\xc0",
        b"\x81\xa1a" * 100_000 + b"\xc0",
        b'{"a":1',
        b'{"a":1}}',
        b'{"a":NaN}',
        b"[1,]",
        b"[" * 2000 + b"1,]" + b"]" * 1999,
        b"",
        b"\xc1",
        b"\xc0\xc0",
        b"\xdd\xff\xff\xff\xff\x01",
        b"\xdf\xff\xff\xff\xff\xa1a",
        b"\xdb\xff\xff\xff\xffab",
        b"\xc6\xff\xff\xff\xffab",
        b"\xc9\xff\xff\xff\xff\x00ab",
        b"\xd9",
        b"\xcb\x00",
        b"\x81\x90\xc0",
    ],
)
def test_what_no_server_writes(payload: bytes) -> None:
    with pytest.raises(UnreadableError):
        decode(payload)


@pytest.mark.parametrize(
    "payload",
    [
        b"[" + b"{}," * 1_000_000 + b"1]",
        b"[" + b"[]," * 2_000_000 + b"1]",
        b"\xdd\x00\x20\x00\x00" + b"\x80" * 0x200000,
        (b"\xdd\x00\x20\x00\x00" * 400) + b"\xc0" * 0x200000,
    ],
    ids=["objects", "lists", "packed objects", "packed claims"],
)
def test_memory_is_in_proportion(payload: bytes) -> None:
    tracemalloc.start()
    try:
        with pytest.raises(UnreadableError):
            decode(payload)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < (64 << 20) + 32 * len(payload)


def test_text_that_looks_costly_is_read() -> None:
    text = "{[,:" * 500_000
    assert decode(json.dumps({"a": text}).encode()) == {"a": text}
