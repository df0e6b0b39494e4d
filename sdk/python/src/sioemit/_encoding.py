"""Events to bytes."""

from __future__ import annotations

import json
import struct
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

import msgpack

from ._errors import SioemitError
from ._values import SHALLOW, Default, Plain, is_plain

# A packer reuses its buffer, and serves one caller at a time: whoever needs one takes it out, another thread or a
# finalizer that emits takes, or makes, another. That is faster than one for each thread.
_packers: list[Callable[[Any], bytes]] = []

# For what is rare: it makes a packer each time, and takes subclasses.
_packb: Callable[[Any], bytes] = msgpack.packb


def _packer() -> Callable[[Any], bytes]:
    # Strict is faster; it takes no subclasses, which plain values have none of.
    pack: Callable[[Any], bytes] = msgpack.Packer(autoreset=True, strict_types=True).pack
    return pack


@dataclass(frozen=True, slots=True)
class Limits:
    """What the arguments of an event may hold."""

    max_attachments: int | None  # None: it goes to servers, who read binary without a parser
    default: Default | None


Form: TypeAlias = Literal["messagepack", "json", "json unless binary"]


def encode(event: str, args: tuple[Any, ...], form: Form, limits: Limits) -> tuple[bytes, bool]:
    """Return the data of an event's packet, and whether it holds binary.

    The data is an array of the event's name and its arguments. "json unless binary" becomes MessagePack with binary.
    Raises SioemitError, which names the argument.
    """
    data = pack_plain(event, args) if form == "messagepack" else _dump_plain(event, args)
    return encode_any(event, args, form, limits) if data is None else (data, False)


def pack_plain(event: str, args: tuple[Any, ...]) -> bytes | None:
    """Return the data of most events in MessagePack, and None for those with an argument that is not plain."""
    if not is_plain(args[0] if len(args) == 1 else [*args]):
        return None
    try:
        pack = _packers.pop()
    except IndexError:
        pack = _packer()
    try:
        return pack([event, *args])
    except UnicodeEncodeError:
        return None  # a lone surrogate in a text, which the slow way replaces
    finally:
        _packers.append(pack)


def _dump_plain(event: str, args: tuple[Any, ...]) -> bytes | None:
    if not is_plain([*args]):
        return None
    try:
        return _dumps([event, *args]).encode()
    except UnicodeEncodeError:
        return None


def encode_any(event: str, args: tuple[Any, ...], form: Form, limits: Limits) -> tuple[bytes, bool]:
    """Do as encode(), of any arguments."""
    plain = plain_arguments(event, args, limits, _no_binary if form == "json" else None)
    values = [event, *(p.value for p in plain)]
    depth = max((p.depth for p in plain), default=0)
    binary = any(p.binaries for p in plain)
    if binary or form == "messagepack":
        return to_messagepack(values, depth), binary
    return to_json(values, depth).encode(), False


def _no_binary(plain: Plain) -> SioemitError | None:
    return SioemitError("binary-in-json", "JSON cannot carry binary") if plain.binaries else None


def plain_arguments(
    event: str,
    args: tuple[Any, ...],
    limits: Limits,
    check: Callable[[Plain], SioemitError | None] | None = None,
    attachments: list[bytes] | None = None,
) -> list[Plain]:
    """Return the arguments of an event, of which one that a check finds wrong is refused.

    Where attachments are a list, binary goes there, and leaves a placeholder.
    """
    plain: list[Plain] = []
    for i, arg in enumerate(args):
        try:
            plain.append(Plain(arg, limits.default, attachments))
        except SioemitError as err:
            raise _argument(err, event, i) from None
        wrong = check(plain[i]) if check else None
        if wrong:
            raise _argument(wrong, event, i)
    if limits.max_attachments is not None:
        _check_binary(event, plain, limits.max_attachments)
    return plain


def _argument(err: SioemitError, event: str, index: int) -> SioemitError:
    return SioemitError(err.reason, f"argument {index + 1} of event {event!r}: {err}")


def _check_binary(event: str, plain: list[Plain], max_attachments: int) -> None:
    """Refuse what binary turns into a trap for clients."""
    count = 0
    for i, p in enumerate(plain):
        count += p.binaries
        if count > max_attachments:
            message = (
                f"more than {max_attachments} binary values in one event disconnect clients with socket.io-parser "
                "4.2.6 or later; send fewer, or set max_attachments if yours take more"
            )
            raise _argument(SioemitError("unencodable", message), event, i)
    if count:
        for i, p in enumerate(plain):
            if p.special:
                message = f'the key "{p.special}" beside binary is a trap for the parsers of clients'
                raise _argument(SioemitError("unencodable", message), event, i)


def to_messagepack(value: Any, depth: int) -> bytes:
    """Return plain values as MessagePack."""
    if depth <= SHALLOW:
        return _packb(value)
    out = bytearray()
    stack: list[Any] = [iter((value,))]
    while stack:
        for item in stack[-1]:
            if isinstance(item, dict):
                out += _header(len(item), 0x80, 0xDE)
                stack.append(iter([part for pair in item.items() for part in pair]))
            elif isinstance(item, list):
                out += _header(len(item), 0x90, 0xDC)
                stack.append(iter(item))
            else:
                out += _packb(item)
                continue
            break
        else:
            stack.pop()
    return bytes(out)


def _header(n: int, small: int, wide: int) -> bytes:
    if n <= 0x0F:
        return bytes((small | n,))
    if n <= 0xFFFF:
        return struct.pack(">BH", wide, n)
    return struct.pack(">BI", wide + 1, n)


def to_json(value: Any, depth: int) -> str:
    """Return plain values as JSON."""
    if depth <= SHALLOW:
        return _dumps(value)
    out: list[str] = []
    # Each entry is what is still to be written: text, or a value in a list of its own.
    stack: list[str | list[Any]] = [[value]]
    while stack:
        entry = stack.pop()
        if isinstance(entry, str):
            out.append(entry)
            continue
        item = entry[0]
        todo: list[str | list[Any]] = []
        if isinstance(item, dict):
            for key, member in item.items():
                todo += ["," if todo else "{", _dumps(key) + ":", [member]]
            todo.append("}" if todo else "{}")
        elif isinstance(item, list):
            for member in item:
                todo += ["," if todo else "[", [member]]
            todo.append("]" if todo else "[]")
        else:
            todo.append(_dumps(item))
        stack += reversed(todo)
    return "".join(out)


def _dumps(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
