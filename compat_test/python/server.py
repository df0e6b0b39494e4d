"""One python-socketio server, joined to others through Redis.

    python server.py '{"server":"python-socketio",
                       "adapter":{"package":"uvicorn","kind":"python","options":{"channel":"c"}},
                       "redis":{"url":"redis://127.0.0.1:6379"},
                       "namespaces":["/admin"]}'

The adapter's package is uvicorn, for asyncio with an AsyncRedisManager, or Flask-SocketIO, for threads with a
RedisManager. The server prints {"ready":true,"port":N} once its Redis subscription is in place, and exits when its
standard input closes, so that it never outlives its parent.
"""

import asyncio
import json
import os
import socket
import sys
import threading
import time

import redis
import socketio

config = json.loads(sys.argv[1])
url = config["redis"]["url"]
channel = config["adapter"].get("options", {}).get("channel", "socketio")
namespaces = ["/", *config.get("namespaces", [])]
options = {
    "ping_timeout": config.get("options", {}).get("pingTimeout", 20000) / 1000,
    "max_http_buffer_size": 4 << 20,
}


def end_with_parent():
    sys.stdin.read()
    os._exit(0)


def say_ready(port, before):
    """Waits until Redis has one subscriber more than before."""
    client = redis.Redis.from_url(url)
    while client.pubsub_numsub(channel)[0][1] <= before:
        time.sleep(0.01)
    client.close()
    print(json.dumps({"ready": True, "port": port}), flush=True)


def on_uvicorn(listener, ready):
    import uvicorn

    server = socketio.AsyncServer(
        async_mode="asgi", client_manager=socketio.AsyncRedisManager(url, channel=channel), **options
    )

    def serve(namespace):
        @server.on("join", namespace=namespace)
        async def join(sid, rooms):
            for room in rooms:
                await server.enter_room(sid, room, namespace=namespace)
            return {"id": sid}

        @server.on("leave", namespace=namespace)
        async def leave(sid, rooms):
            for room in rooms:
                await server.leave_room(sid, room, namespace=namespace)
            return {"id": sid}

    for namespace in namespaces:
        serve(namespace)

    async def run():
        # Otherwise it subscribes when its first client connects.
        server.manager_initialized = True
        server.manager.initialize()
        threading.Thread(target=ready, daemon=True).start()
        app = uvicorn.Config(socketio.ASGIApp(server), log_level="warning", lifespan="off")
        await uvicorn.Server(app).serve(sockets=[listener])

    asyncio.run(run())


def on_flask(listener, ready):
    import flask
    import flask_socketio
    from werkzeug.serving import WSGIRequestHandler, make_server

    WSGIRequestHandler.log_request = lambda *_: None  # a line for each poll

    app = flask.Flask(__name__)
    server = flask_socketio.SocketIO(app, async_mode="threading", message_queue=url, channel=channel, **options)

    def serve(namespace):
        @server.on("join", namespace=namespace)
        def join(rooms):
            for room in rooms:
                flask_socketio.join_room(room)
            return {"id": flask.request.sid}

        @server.on("leave", namespace=namespace)
        def leave(rooms):
            for room in rooms:
                flask_socketio.leave_room(room)
            return {"id": flask.request.sid}

    for namespace in namespaces:
        serve(namespace)
    server.server.manager_initialized = True
    server.server.manager.initialize()
    threading.Thread(target=ready, daemon=True).start()
    host, port = listener.getsockname()
    make_server(host, port, app, threaded=True, fd=listener.fileno()).serve_forever()


def main():
    listener = socket.socket()
    listener.bind((config.get("host", "127.0.0.1"), config.get("port", 0)))
    listener.listen(128)
    threading.Thread(target=end_with_parent, daemon=True).start()
    client = redis.Redis.from_url(url)
    before = client.pubsub_numsub(channel)[0][1]
    client.close()
    run = {"uvicorn": on_uvicorn, "Flask-SocketIO": on_flask}[config["adapter"]["package"]]
    run(listener, lambda: say_ready(listener.getsockname()[1], before))


main()
