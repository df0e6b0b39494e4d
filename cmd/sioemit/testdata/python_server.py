"""A server of python-socketio that is joined to others through the Redis at argv[1]. It ends with its standard input."""

import sys

import socketio

server = socketio.Server(async_mode="threading", client_manager=socketio.RedisManager(sys.argv[1]))
server.manager.initialize()  # as when the first client connects
sys.stdin.read()
