"""One client of python-socketio, by its own client.

    python client.py URL TRANSPORT ROOM...

It prints {"id":"..."} once it is in its rooms, then {"event":"...","args":[...]} for each event, with
{"$binary":"<base64>"} for binary, and {"disconnect":"..."} at the end. It exits when its standard input closes.
"""

import asyncio
import base64
import json
import sys

import socketio

url, transport, *rooms = sys.argv[1:]
# The other client of the package, socketio.Client, has a thread for each event, so that they overtake each other there.
client = socketio.AsyncClient(reconnection=False)


def show(line):
    print(json.dumps(line), flush=True)


def tagged(value):
    if isinstance(value, bytes):
        return {"$binary": base64.b64encode(value).decode()}
    if isinstance(value, dict):
        return {key: tagged(item) for key, item in value.items()}
    return [tagged(item) for item in value] if isinstance(value, (list, tuple)) else value


@client.on("*")
async def any_event(event, *args):
    show({"event": event, "args": tagged(args)})


@client.on("disconnect")
async def disconnected(reason):
    show({"disconnect": reason})


async def main():
    await client.connect(url, transports=[transport])
    show(await client.call("join", rooms))
    await asyncio.to_thread(sys.stdin.read)
    await client.disconnect()


asyncio.run(main())
