"""What a value becomes on its way to a client.

The client receives what ``json.dumps`` would have sent, except that bytes, at
any depth, arrive as binary.
"""

from __future__ import annotations

import dataclasses
import datetime
import decimal
import enum
import math
import uuid
from collections.abc import Callable, Iterator, Mapping
from typing import Any, TypeAlias

from ._errors import SioemitError

Default: TypeAlias = Callable[[Any], Any]

# Servers end, or go deaf, on values nested deeper than about 2,500.
MAX_DEPTH = 1000

# Up to here every integer is a float64, too.
MAX_INT = 1 << 53

# How deep the C encoders go without trouble; beyond, slower ones take over.
SHALLOW = 100


def is_plain(value: Any, depth: int = 0) -> bool:
    """Tell whether the C encoders write a value just as it has to be written.

    Most are: text, whole numbers up to 2^53, other floats, and lists and dictionaries of them. This is half of what an
    event costs, so that lists are read where they are found, and numbers are written out: Python makes a new object
    for -MAX_INT each time.
    """
    kind = type(value)
    if kind is dict:
        if depth > SHALLOW or "__proto__" in value:
            return False
        for key, item in value.items():
            if type(key) is not str:
                return False
            kind = type(item)
            if kind is str:
                continue
            if kind is int:
                if not -9007199254740992 <= item <= 9007199254740992:
                    return False
            elif kind is float:
                if not item % 1.0 > 0.0:  # whole, or NaN, which infinities become, too
                    return False
            elif kind is list:
                for element in item:
                    if type(element) is not str and not is_plain(element, depth + 2):
                        return False
            elif not is_plain(item, depth + 1):
                return False
        return True
    if kind is list:
        if depth > SHALLOW:
            return False
        for item in value:  # noqa: SIM110 - all() of a generator takes twice as long
            if type(item) is not str and not is_plain(item, depth + 1):
                return False
        return True
    if kind is int:
        return bool(-MAX_INT <= value <= MAX_INT)
    if kind is float:
        return bool(value % 1.0 > 0.0)
    return kind is str or kind is bool or value is None


@dataclasses.dataclass
class _Frame:
    """A container that is being read, and the plain one that is being written."""

    source: object
    items: Iterator[Any]
    to: list[Any] | dict[str, Any]


class Plain:
    """An argument made of nothing but what the C encoders write exactly."""

    __slots__ = ("_default", "binaries", "depth", "special", "value")

    def __init__(self, value: Any, default: Default | None, attachments: list[bytes] | None = None) -> None:
        """Turn a value into plain ones. The call stack stays flat, whatever the depth.

        Where attachments are a list, binary goes there, and leaves a placeholder, as Socket.IO writes it.
        """
        self._default = default
        self.binaries = 0
        self.depth = 0
        self.special = ""  # a key that beside binary is a trap
        root: list[Any] = []
        stack = [_Frame(root, iter((value,)), root)]
        open_ids: set[int] = set()
        while stack:
            frame = stack[-1]
            try:
                item = next(frame.items)
            except StopIteration:
                stack.pop()
                open_ids.discard(id(frame.source))
                continue
            key = ""
            if isinstance(frame.to, dict):
                key, item = _key(item[0]), item[1]
            plain = self._scalar(item)
            opened = self._open(plain)
            if opened is not None:
                if id(opened.source) in open_ids:
                    raise SioemitError("unencodable", "it holds itself, which JSON cannot")
                open_ids.add(id(opened.source))
                stack.append(opened)
                if len(stack) - 1 > MAX_DEPTH:
                    raise SioemitError("too-deep", f"it is nested deeper than {MAX_DEPTH:,} levels, which ends servers")
                self.depth = max(self.depth, len(stack) - 1)
                plain = opened.to
            elif isinstance(plain, bytes):
                self.binaries += 1
                if attachments is not None:
                    attachments.append(plain)
                    plain = {"_placeholder": True, "num": len(attachments) - 1}
                    self.depth = max(self.depth, len(stack))
            if isinstance(frame.to, dict):
                # Parsers take the object of a true _placeholder for a binary, and call hasOwnProperty.
                if key == "hasOwnProperty" or (key == "_placeholder" and plain not in (None, False, 0, "")):
                    self.special = key
                frame.to[key] = plain
            else:
                frame.to.append(plain)
        self.value = root[0]

    @staticmethod
    def _open(value: Any) -> _Frame | None:
        if isinstance(value, Mapping):
            return _Frame(value, iter(value.items()), {})
        if isinstance(value, list | tuple):
            return _Frame(value, iter(value), [])
        return None

    def _scalar(self, value: Any) -> Any:
        """Return what stands for a value: a container as it is, all else plain."""
        for _ in range(MAX_DEPTH):
            known, plain = _known(value)
            if known:
                return plain
            if self._default is None:
                break
            value = self._default(value)
        else:
            raise SioemitError("unencodable", "default= returns ever new objects that it would have to take again")
        raise SioemitError(
            "unencodable", f"an object of type {type(value).__name__} has no JSON form; give the emitter a default="
        )


def _known(value: Any) -> tuple[bool, Any]:
    match value:
        case None | bool() | Mapping() | list() | tuple():
            return True, value
        case str():
            return True, well_formed(str.__str__(value))
        case int():
            return True, _integer(int(value))
        case float():
            return True, _float(_shortest(value))
        case bytes():
            return True, bytes(value)
        case bytearray() | memoryview():
            return True, bytes(value)
        case enum.Enum():
            return _known(value.value)
        case datetime.datetime():
            return True, _time(value)
        case datetime.date():
            return True, value.isoformat()
        case uuid.UUID() | decimal.Decimal():
            return True, str(value)
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return True, {field.name: getattr(value, field.name) for field in dataclasses.fields(value)}
    if type(value).__module__ == "numpy" and hasattr(value, "dtype") and getattr(value, "ndim", None) == 0:
        return _known(_shortest(value) if value.dtype.kind == "f" else value.item())
    return False, value


def _shortest(value: Any) -> float:
    """Return a float by its shortest decimal: a float32 of 0.1 is 0.1."""
    return value if type(value) is float else float(str(value))


def _integer(value: int) -> int | float:
    if -MAX_INT <= value <= MAX_INT:
        return value
    try:
        return float(value)
    except OverflowError:
        raise SioemitError("unencodable", "an integer beyond every float64 would arrive as Infinity") from None


def _float(value: float) -> int | float:
    if not math.isfinite(value):
        raise SioemitError("unencodable", f"{value} has no JSON form")
    if value.is_integer() and -MAX_INT <= value <= MAX_INT:
        return int(value)
    return value


def _time(value: datetime.datetime) -> str:
    if value.tzinfo is None:
        raise SioemitError("unencodable", "a datetime without a time zone is no point in time; give it a tzinfo")
    local = value.replace(tzinfo=None).isoformat()
    zone = value.isoformat()[len(local) :]
    if value.microsecond:
        local = local.rstrip("0")  # the precision that it has
    return local + ("Z" if zone == "+00:00" else zone)


def _key(key: Any) -> str:
    """Return a key of an object as json.dumps writes it."""
    match key:
        case "__proto__":
            raise SioemitError(
                "unencodable", 'the key "__proto__" replaces the prototype of its object, and may end servers'
            )
        case str():
            return well_formed(str.__str__(key))
        case bool():
            return "true" if key else "false"
        case None:
            return "null"
        case int():
            return int.__repr__(key)
        case float():
            if not math.isfinite(key):
                raise SioemitError("unencodable", f"{key} has no JSON form")
            return float.__repr__(key)
    raise SioemitError(
        "unencodable", f"a key of type {type(key).__name__}: keys are str, int, float, bool or None, as in JSON"
    )


def well_formed(text: str) -> str:
    """Return text with U+FFFD where it holds a lone surrogate, which UTF-8 cannot."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
    return text
