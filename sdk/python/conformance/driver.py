"""The driver through which the conformance suite calls the emitters. docs/conformance.md describes its lines."""

from __future__ import annotations

import asyncio
import base64
import datetime
import json
import sys
from collections.abc import Coroutine
from typing import Any

import redis
import redis.asyncio

import sioemit

FEATURES = [
    "classic",
    "sharded",
    "streams",
    "python",
    "cluster",
    "pipeline",
    "server-count",
    "numbers",
    "replies",
    "together",
    "confirm",
]
CALLS = {
    "socketsJoin": "sockets_join",
    "socketsLeave": "sockets_leave",
    "disconnectSockets": "disconnect_sockets",
    "serverSideEmit": "server_side_emit",
    "serverCount": "server_count",
    "emitWithAck": "emit_with_ack",
    "fetchSockets": "fetch_sockets",
    "serverSideEmitWithAck": "server_side_emit_with_ack",
    "in": "in_",
    "except": "except_",
}
ADAPTERS = {
    "channelPrefix": "channel_prefix",
    "subscriptionMode": "subscription_mode",
    "streamName": "stream_name",
    "streamCount": "stream_count",
    "maxLen": "max_len",
    "useShardedPubSub": "use_sharded_pubsub",
    "channel": "channel",
    "allowBinary": "allow_binary",
}
OPTIONS = {
    "key": "key",
    "serverVersion": "server_version",
    "codec": "codec",
    "maxAttachments": "max_attachments",
    "socketIds": "socket_ids",
}


class Skip(Exception):  # noqa: N818
    """A call that Python cannot express."""


def value(v: Any) -> Any:
    if isinstance(v, list):
        return [value(item) for item in v]
    if not isinstance(v, dict):
        return v
    if len(v) == 1:
        tag, inner = next(iter(v.items()))
        if tag.startswith("$"):
            return tagged(tag, inner)
    return {key: value(item) for key, item in v.items()}


def tagged(tag: str, v: Any) -> Any:
    match tag:
        case "$binary":
            return base64.b64decode(v)
        case "$date":
            return datetime.datetime.fromisoformat(v.replace("Z", "+00:00"))
        case "$bigint":
            return int(v)
        case "$float":
            return float(v)
        case "$object":
            return {key: value(item) for key, item in v}
        case "$literal":
            return {key: value(item) for key, item in v.items()}
        case "$cycle":
            array: list[Any] = []
            array.append(array)
            mapping: dict[str, Any] = {}
            mapping["self"] = mapping
            return array if v == "array" else mapping
        case "$repeat" if "nest" in v:
            out: Any = None
            for _ in range(v["count"]):
                out = [out] if v["nest"] == "array" else {"a": out}
            return out
        case "$repeat":
            return value(v["value"]) * v["count"]
    raise Skip(f"no tag {tag}")


def answered(v: Any) -> Any:
    """Return what a call gave, as the suite writes it."""
    match v:
        case sioemit.Acks():
            return {
                "values": tags(v.values),
                "clients": v.clients,
                "servers": v.servers,
                "perServer": v.per_server,
            }
        case [sioemit.Socket(), *_]:
            return [
                {
                    "id": socket.id,
                    "rooms": [room for room in socket.rooms if isinstance(room, str)],
                    "numberRooms": [room for room in socket.rooms if not isinstance(room, str)],
                    "data": tags(socket.data),
                    "handshake": tags(socket.handshake),
                }
                for socket in v
            ]
    return tags(v)


def tags(v: Any) -> Any:
    if isinstance(v, bytes):
        return {"$binary": base64.b64encode(v).decode()}
    if isinstance(v, list):
        return [tags(item) for item in v]
    if isinstance(v, dict):
        members = {key: tags(item) for key, item in v.items()}
        return {"$literal": members} if any(key.startswith("$") for key in v) else members
    return v


def options(given: dict[str, Any]) -> dict[str, Any]:
    made = {OPTIONS[name]: given[name] for name in OPTIONS if name in given}
    ofadapter = {ADAPTERS[name]: given[name] for name in ADAPTERS if name in given}
    match given.get("adapter", "classic"):
        case "sharded":
            made["adapter"] = sioemit.Sharded(**ofadapter)
        case "streams":
            made["adapter"] = sioemit.Streams(**ofadapter)
        case "python":
            made["adapter"] = sioemit.Python(**ofadapter)
    return made


def call(io: Any, step: dict[str, Any]) -> Any:
    for name, *words in step.get("chain", []):
        if name == "timeout":
            io = io.timeout(words[0] / 1000)
            continue
        io = getattr(io, CALLS.get(name, name))(*words)
    name, *words = step["call"]
    return getattr(io, CALLS.get(name, name))(*map(value, words))


async def answer(calling: Coroutine[Any, Any, Any]) -> dict[str, Any]:
    """Return what comes of a call."""
    try:
        result = await calling
    except sioemit.IncompleteError as err:
        missing = {name: getattr(err, name) for name in ("servers", "asked", "clients", "expected", "unread")}
        partial = {} if err.call == "confirm" else {"result": answered(err.partial)}
        return {"error": err.reason, "message": str(err), **partial, "missing": missing}
    except sioemit.SioemitError as err:
        return {"error": err.reason, "message": str(err)}
    except (redis.RedisError, redis.exceptions.RedisClusterException) as err:
        return {"error": "redis", "message": str(err)}
    except Skip as err:
        return {"skip": str(err)}
    except Exception as err:  # noqa: BLE001 - the suite has to see it
        return {"error": "unknown", "message": repr(err)}
    return {"ok": True} if result is None else {"ok": True, "result": answered(result)}


class Driver:
    """One event loop for all calls, and connections that are kept."""

    def __init__(self, variant: str) -> None:
        self.asynchronous = variant == "redis-py-asyncio"
        self.clients: dict[tuple[str, bool], Any] = {}

    def client(self, line: dict[str, Any]) -> Any:
        where = line["redis"], line["cluster"]
        if where not in self.clients:
            package = redis.asyncio if self.asynchronous else redis
            kind = package.RedisCluster if line["cluster"] else package.Redis
            self.clients[where] = kind.from_url(line["redis"])
        return self.clients[where]

    async def call(self, line: dict[str, Any]) -> Any:
        kind: Any = sioemit.AsyncEmitter if self.asynchronous else sioemit.Emitter
        io = kind(self.client(line), **options(line.get("options", {})))
        if "together" in line:
            return await asyncio.gather(*(self.one_of_many(io, step) for step in line["together"]))
        if "sequence" in line:
            return [await answer(self.made(io, step)) for step in line["sequence"]]
        return await self.made(io, line)

    async def made(self, io: Any, line: dict[str, Any]) -> Any:
        """Make one call, or those of a pipeline."""
        if "pipeline" not in line:
            result = call(io, line)
            return await result if self.asynchronous else result
        if self.asynchronous:
            async with io.pipeline() as pipe:
                for step in line["pipeline"]:
                    call(pipe, step)
        else:
            with io.pipeline() as pipe:
                for step in line["pipeline"]:
                    call(pipe, step)
        if "after" in line:
            result = call(pipe, line["after"])
            return await result if self.asynchronous else result
        return None

    async def one_of_many(self, io: Any, step: dict[str, Any]) -> dict[str, Any]:
        """Make a call while others are under way."""

        async def made() -> Any:
            return await call(io, step) if self.asynchronous else await asyncio.to_thread(call, io, step)

        return await answer(made())

    async def close(self) -> None:
        for client in self.clients.values():
            if self.asynchronous:
                await client.aclose()
            else:
                client.close()


async def main(variant: str) -> None:
    hello = {"language": "python", "variant": variant, "version": sioemit.__version__, "features": FEATURES}
    print(json.dumps(hello), flush=True)
    driver = Driver(variant)
    for line in sys.stdin:
        call = json.loads(line)
        print(json.dumps({"id": call["id"], **await answer(driver.call(call))}), flush=True)
    await driver.close()


if __name__ == "__main__":
    variants = ["redis-py", "redis-py-asyncio"]
    if sys.argv[1:] == ["--list"]:
        print("\n".join(variants))
    elif len(sys.argv) == 2 and sys.argv[1] in variants:
        asyncio.run(main(sys.argv[1]))
    else:
        sys.exit(f"usage: run --list, or run VARIANT, one of {', '.join(variants)}")
