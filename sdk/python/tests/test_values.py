"""What a value becomes: as json.dumps has it, but for bytes."""

from __future__ import annotations

import dataclasses
import datetime
import decimal
import enum
import json
import math
import uuid
from collections import OrderedDict, UserDict, namedtuple
from typing import Any

import msgpack
import numpy as np
import pytest

from sioemit import SioemitError
from sioemit._encoding import Limits, encode, to_json, to_messagepack
from sioemit._values import MAX_DEPTH, SHALLOW, Plain, is_plain

LIMITS = Limits(10, None)
UTC = datetime.timezone.utc


@dataclasses.dataclass
class Order:
    id: int
    paid: datetime.datetime


class Colour(enum.Enum):
    RED = "red"


class Level(enum.IntEnum):
    HIGH = 3


class Name(str):
    __slots__ = ()


Point = namedtuple("Point", "x y")


def arrives(value: Any, limits: Limits = LIMITS) -> Any:
    packed, _ = encode("ev", (value,), "messagepack", limits)
    event, arrived = msgpack.unpackb(packed)
    assert event == "ev"
    return arrived


def nested(levels: int) -> Any:
    value: Any = None
    for _ in range(levels):
        value = [value]
    return value


@pytest.mark.parametrize(
    ("value", "want"),
    [
        (1.0, 1),
        (-0.0, 0),
        (2.0**53, 2**53),
        (2**53 + 1, 2.0**53),
        (2**70, 2.0**70),
        (-(2**70), -(2.0**70)),
        (0.1, 0.1),
        ((1, 2), [1, 2]),
        (Point(1, 2), [1, 2]),
        (Name("a"), "a"),
        (Colour.RED, "red"),
        (Level.HIGH, 3),
        (uuid.UUID(int=1), "00000000-0000-0000-0000-000000000001"),
        (decimal.Decimal("1.10"), "1.10"),
        (datetime.date(2026, 1, 2), "2026-01-02"),
        (datetime.datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC), "2026-01-02T03:04:05Z"),
        (datetime.datetime(2026, 1, 2, 3, 4, 5, 60_000, tzinfo=UTC), "2026-01-02T03:04:05.06Z"),
        (
            datetime.datetime(2026, 1, 2, 3, 4, 5, tzinfo=datetime.timezone(datetime.timedelta(hours=-3, minutes=-30))),
            "2026-01-02T03:04:05-03:30",
        ),
        (Order(1, datetime.datetime(2026, 1, 2, tzinfo=UTC)), {"id": 1, "paid": "2026-01-02T00:00:00Z"}),
        (OrderedDict(b=1, a=2), {"b": 1, "a": 2}),
        (UserDict(a=1), {"a": 1}),
        ({1: "int", 1.5: "float", None: "null"}, {"1": "int", "1.5": "float", "null": "null"}),
        ({True: 1, False: 0}, {"true": 1, "false": 0}),
        (bytearray(b"\x00\xff"), b"\x00\xff"),
        (memoryview(b"abc")[1:], b"bc"),
        ({"a": [b"\x00"]}, {"a": [b"\x00"]}),
        ("a\ud800b", "a\ufffdb"),
        ("\ud83d\ude00", "😀"),
        ({"\udc00": 1}, {"\ufffd": 1}),
        (np.float32(0.1), 0.1),
        (np.float64(0.1), 0.1),
        (np.int64(5), 5),
        (np.bool_(True), True),
    ],
)
def test_arrives(value: Any, want: Any) -> None:
    got = arrives(value)
    assert got == want
    assert type(got) is type(want)
    assert list(got) == list(want) if isinstance(want, dict) else True


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        (math.nan, "unencodable"),
        (-math.inf, "unencodable"),
        (np.float32("nan"), "unencodable"),
        (10**400, "unencodable"),
        ({1, 2}, "unencodable"),
        (object(), "unencodable"),
        (print, "unencodable"),
        (np.zeros(2), "unencodable"),
        ({(1, 2): 3}, "unencodable"),
        ({b"a": 1}, "unencodable"),
        ({math.nan: 1}, "unencodable"),
        (datetime.datetime(2026, 1, 2), "unencodable"),  # noqa: DTZ001 - that is the point
        (Order, "unencodable"),
        (nested(MAX_DEPTH + 1), "too-deep"),
        (nested(100_000), "too-deep"),
        ([b""] * 11, "unencodable"),
        ([b"", {"a": {"_placeholder": True}}], "unencodable"),
        ({"__proto__": {"a": b""}}, "unencodable"),
        ([{"__proto__": 1}], "unencodable"),
        ([b"", {"hasOwnProperty": 1}], "unencodable"),
        ([b"", {"_placeholder": []}], "unencodable"),
    ],
)
def test_refused(value: Any, reason: str) -> None:
    with pytest.raises(SioemitError) as err:
        arrives(value)
    assert err.value.reason == reason
    assert "argument 1 of event 'ev'" in str(err.value)


def test_a_cycle_is_refused_and_a_value_twice_is_not() -> None:
    cycle: list[Any] = []
    cycle.append({"a": cycle})
    with pytest.raises(SioemitError, match="holds itself") as err:
        arrives(cycle)
    assert err.value.reason == "unencodable"
    twice = [1.0]
    assert arrives([twice, twice]) == [[1], [1]]


@pytest.mark.parametrize("levels", [SHALLOW - 1, SHALLOW, SHALLOW + 1, 511, 512, 513, MAX_DEPTH])
def test_deep(levels: int) -> None:
    packed, _ = encode("ev", (nested(levels),), "messagepack", LIMITS)
    assert packed == b"\x92\xa2ev" + b"\x91" * levels + b"\xc0"
    text, _ = encode("ev", (nested(levels),), "json", LIMITS)
    assert text == b'["ev",' + b"[" * levels + b"null" + b"]" * levels + b"]"


def test_deep_writers_write_what_the_c_encoders_write() -> None:
    value = {
        "a": [1, -1, 0.5, "é", {"b": {}, "c": []}, [[]], None, True],
        "d": ["x"] * 20,
        "e": {str(i): i for i in range(70_000)},
    }
    assert to_messagepack(value, SHALLOW + 1) == to_messagepack(value, 0) == msgpack.packb(value)
    assert to_json(value, SHALLOW + 1) == to_json(value, 0)
    assert json.loads(to_json(value, SHALLOW + 1)) == value
    assert to_messagepack({"b": b"\x00" * 70_000}, SHALLOW + 1) == msgpack.packb({"b": b"\x00" * 70_000})


@pytest.mark.parametrize(
    "value",
    [
        1.0,
        2**53 + 1,
        {1: 2},
        {"a": 1.0},
        [1.0],
        {"a": {"b": [2**60]}},
        b"",
        {"a": b""},
        (1,),
        nested(SHALLOW + 2),
        math.nan,
        [math.inf],
    ],
)
def test_what_is_not_plain_takes_the_slow_way(value: Any) -> None:
    assert not is_plain(value)


@pytest.mark.parametrize(
    "value", [None, True, "a", 0, -(2**53), 2**53, 0.5, [], {}, {"a": [1, "b", 2.5, {"c": None}]}, nested(SHALLOW)]
)
def test_what_is_plain_is_the_same_both_ways(value: Any) -> None:
    assert is_plain(value)
    assert msgpack.packb(Plain(value, None).value) == msgpack.packb(value)


def test_default() -> None:
    assert arrives({1, 2}, Limits(10, sorted)) == [1, 2]
    assert arrives([object()], Limits(10, lambda _: {"at": [1.0, datetime.date(2026, 1, 2)]})) == [
        {"at": [1, "2026-01-02"]}
    ]
    with pytest.raises(SioemitError, match="ever new objects"):
        arrives(object(), Limits(10, lambda _: object()))
    with pytest.raises(ZeroDivisionError):
        arrives(object(), Limits(10, lambda _: 1 // 0))


def test_more_attachments_where_servers_take_them() -> None:
    assert arrives([b"x"] * 11, Limits(11, None)) == [b"x"] * 11


def test_what_is_harmless_is_sent() -> None:
    for value in ({"_placeholder": True, "num": 0}, {"hasOwnProperty": 1}, [{"_placeholder": False}, b""], [b""] * 10):
        assert arrives(value) == value
