"""Writes ../vectors/python-socketio-*.json: what the package's own managers publish.

    python vectors.py            writes the files
    python vectors.py --check    exits with 1 when a committed file differs

The manager is write-only and has a Redis client that only remembers what it is told to publish. Its host_id is set,
because it is a random one otherwise.
"""

import base64
import importlib.metadata
import json
import pathlib
import sys

import socketio

folder = pathlib.Path(__file__).parent.parent / "vectors"
sid, other = "3NuVANRnhQKZSSVwAAAB", "lIyYN3x_f4WALbpMAAAD"


class Recorder:
    def __init__(self):
        self.published = []

    def publish(self, channel, message):
        self.published.append((channel, message.encode()))
        return 0


def manager(channel):
    made = socketio.RedisManager(channel=channel, write_only=True)
    made.redis, made.connected, made.host_id = Recorder(), True, "emitter"
    # It disconnects a socket through its server first.
    made.set_server(socketio.Server())
    return made


def call(name, *args, namespace="/", rooms=(), skip=(), text=None):
    """An event. Its arguments are given as they are, or as JSON text when the spelling of numbers matters."""
    return name, {"namespace": namespace, "rooms": list(rooms), "except": list(skip), "event": "ev"}, args, text


def request(name, method, rooms, *args, namespace="/"):
    return name, {"namespace": namespace, "rooms": rooms, "except": [], "method": method}, args, None


texts = [
    call("no argument"),
    call("one argument", "world"),
    call("three arguments", 1, "two", [3]),
    call("two nulls", None, None),
    call("null and a text", None, "x"),
    call("an array as the only argument", [1, 2]),
    call("an empty array as the only argument", []),
    call("an array in an array", [[]]),
    call("two arrays", [], [[]]),
    call("an object", {"id": 12345, "total": 19.99, "tags": ["a", "b"]}),
    call("an empty object", {}),
    call("an object with an empty key", {"": 1}),
    call("true", True),
    call("false", False),
    call("zero", 0),
    call("a negative number", -2147483649),
    call("2^53", 2**53),
    call("-2^53", -(2**53)),
    call("a fraction", 0.1),
    call("a small fraction", 1e-7),
    call("the smallest number", 5e-324),
    call("floats that are whole", text="[1.0,-25.0,1e3]"),
    call("unicode", "héé 日本語 😀 👩‍👩‍👧"),
    call("unicode in keys", {"clé 😀": "é"}),
    call("control characters", '\u0000\u0001\t\n\r"\\/\u007f\u2028\u2029'),
    call("html", '<a href="x">&</a>'),
    call("an empty text", ""),
    call("a text of 10,000", "x" * 10000),
    call("nested", {"a": [{"b": [{"c": [None, True, 1.5, "x"]}]}]}),
    call("a placeholder that is none", {"_placeholder": True, "num": 0}),
    call("order of keys", text='[{"b":1,"a":{"z":1,"y":2}}]'),
    call("a namespace", 1, namespace="/admin"),
    call("a namespace with a room", 1, namespace="/ä b", rooms=["r"]),
    call("one room", 1, rooms=["r1"]),
    call("two rooms", 1, rooms=["r1", "r2"]),
    call("a room with commas and quotes", 1, rooms=['a,"b"\\']),
    call("a socket", 1, rooms=[sid]),
    call("except a socket", 1, skip=[sid]),
    call("except two sockets", 1, skip=[sid, other]),
    call("two rooms except a socket", "x", rooms=["r1", "r2"], skip=[sid]),
    call("everything", {"a": 1}, "x", namespace="/admin", rooms=["r1", "r2"], skip=[sid, other]),
]
binaries = [
    call("binary", b"\x00\xff\x01"),
    call("empty binary", b""),
    call("two binaries", b"\x01", b"\x02"),
    call("binary beside others", "x", {"a": [b"\x01", {"b": b"\x02"}]}, 5),
    call("binary in an array", [b"\x01"]),
    call("binary of 3,000 bytes", bytes(range(250)) * 12),
    call("binary in a room, except a socket", b"\x01", namespace="/admin", rooms=["r"], skip=[sid]),
    call("text where binary is allowed", "x"),
]
requests = [
    request("join", "socketsJoin", [sid], "a"),
    request("join in a namespace", "socketsJoin", [sid], 'ä,"', namespace="/admin"),
    request("leave", "socketsLeave", [sid], "a"),
    request("leave in a namespace", "socketsLeave", [sid], "a", namespace="/admin"),
    request("everyone leaves", "socketsLeave", [], "a"),
    request("everyone leaves in a namespace", "socketsLeave", [], "a", namespace="/admin"),
    request("disconnect", "disconnectSockets", [sid], False),
    request("disconnect from a namespace", "disconnectSockets", [sid], False, namespace="/admin"),
]


def one_or_all(names):
    """The package takes one room by itself and several as a list, and no room as None."""
    return names[0] if len(names) == 1 else (names or None)


def publish(to, what, args):
    rooms, namespace = what["rooms"], what["namespace"]
    match what.get("method"):
        case None:
            to.emit(
                what["event"],
                args[0] if len(args) == 1 else tuple(args),
                namespace=namespace,
                room=one_or_all(rooms),
                skip_sid=one_or_all(what["except"]),
            )
        case "socketsJoin":
            to.enter_room(rooms[0], namespace, args[0])
        case "socketsLeave" if rooms:
            to.leave_room(rooms[0], namespace, args[0])
        case "socketsLeave":
            to.close_room(args[0], namespace)
        case "disconnectSockets":
            to.disconnect(rooms[0], namespace)


def tagged(value):
    if isinstance(value, bytes):
        return {"$binary": base64.b64encode(value).decode()}
    if isinstance(value, dict):
        return {key: tagged(item) for key, item in value.items()}
    return [tagged(item) for item in value] if isinstance(value, (list, tuple)) else value


def vector(to, what):
    name, made, args, text = what
    if text is not None:
        args = json.loads(text)
        made = {**made, "argsJSON": text}
    else:
        made = {**made, "args": tagged(args)}
    to.redis.published.clear()
    publish(to, made, args)
    [(channel, payload)] = to.redis.published
    line = {"name": name, "call": made, "channel": channel, "payload": base64.b64encode(payload).decode()}
    return json.dumps(line, ensure_ascii=False, separators=(",", ":"))


def file(note, calls, channel="socketio"):
    version = importlib.metadata.version("python-socketio")
    head = json.dumps({"package": "python-socketio", "version": version, "note": note}, separators=(",", ":"))
    to = manager(channel)
    return head[:-1] + ',"vectors":[\n' + ",\n".join(vector(to, what) for what in calls) + "\n]}\n"


def main():
    name = "python-socketio-" + importlib.metadata.version("python-socketio")
    files = {
        name: file("Events without binary. The payload is JSON text.", texts),
        name + "-channel": file("With another channel.", texts[:2] + texts[-1:], "my channel"),
        name + "-binary": file("Events with binary.", binaries),
        name + "-requests": file("Requests: the call names a method instead of an event.", requests),
    }
    check = sys.argv[1:] == ["--check"]
    differs = []
    for name, text in files.items():
        path = folder / (name + ".json")
        if not check:
            path.write_text(text)
        elif not path.exists() or path.read_text() != text:
            differs.append(path.name)
    if differs:
        sys.exit("differs: " + ", ".join(differs))


main()
