"""The emitters of PyPI, behind the lines of a driver (docs/conformance.md)."""

import asyncio
import base64
import importlib
import json
import sys

VARIANTS = {"socket.io-emitter-0.1.5": "socket_io_emitter", "socket.io-redis-emitter-0.0.3": "socketio_emitter"}


class Skip(Exception):
    pass


def value(v):
    if isinstance(v, list):
        return [value(item) for item in v]
    if isinstance(v, dict):
        if list(v) == ["$binary"]:
            return base64.b64decode(v["$binary"])
        return {key: value(item) for key, item in v.items()}
    return v


def with_socket_io_emitter(module, line, step):
    import redis

    io = module.Emitter({"client": redis.Redis.from_url(line["redis"]), "key": line["options"]["key"]})
    for name, *words in step.get("chain", []):
        if name not in ("of", "to", "in"):
            raise Skip(f"no {name}")
        getattr(io, name.capitalize())(*words)
    call, *args = step["call"]
    if call != "emit":
        raise Skip(f"no {call}")
    io.Emit(*map(value, args))


async def with_socket_io_redis_emitter(module, line, step):
    import contextlib

    import redis.asyncio

    call, event, *args = step["call"]
    if call != "emit":
        raise Skip(f"no {call}")
    if len(args) != 1 or not isinstance(args[0], dict):
        raise Skip("takes one object")
    rooms, excepted, namespace, volatile = [], [], "/", False
    for name, *words in step.get("chain", []):
        match name:
            case "of":
                namespace = words[0]
            case "to" | "in":
                rooms += words
            case "except":
                excepted += words
            case "volatile":
                volatile = True
            case _:
                raise Skip(f"no {name}")
    async with redis.asyncio.Redis.from_url(line["redis"]) as client:
        io = module.Emitter(client, channel_prefix=line["options"]["key"])
        async with contextlib.AsyncExitStack() as stack:
            await stack.enter_async_context(io.namespace(namespace))
            if excepted:
                await stack.enter_async_context(io.all_rooms(except_=excepted))
            if rooms:
                await stack.enter_async_context(io.rooms(*rooms))
            await io.emit(event, value(args[0]), volatile=volatile)


def answer(variant, module, line):
    try:
        for step in line.get("pipeline") or [line]:
            if variant == "socket.io-emitter-0.1.5":
                with_socket_io_emitter(module, line, step)
            else:
                asyncio.run(with_socket_io_redis_emitter(module, line, step))
    except Skip as err:
        return {"skip": str(err)}
    except Exception as err:  # noqa: BLE001 - whatever it is belongs in the table
        return {"error": "unknown", "message": repr(err)}
    return {"ok": True}


def main(variant):
    module = importlib.import_module(VARIANTS[variant])
    print(json.dumps({"language": "python", "variant": variant, "version": variant.rsplit("-")[-1], "features": ["classic", "pipeline"]}), flush=True)
    for text in sys.stdin:
        line = json.loads(text)
        print(json.dumps({"id": line["id"], **answer(variant, module, line)}), flush=True)


if sys.argv[1] == "--list":
    print("\n".join(VARIANTS))
else:
    main(sys.argv[1])
