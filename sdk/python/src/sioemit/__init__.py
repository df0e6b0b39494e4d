"""Send events to the clients of a Socket.IO cluster from outside, through the Redis that joins its servers."""

from ._adapters import Room, Sharded, Streams, SubscriptionMode
from ._answers import Acks, Socket
from ._asyncio import AsyncBroadcastOperator, AsyncEmitter
from ._errors import IncompleteError, Reason, SioemitError, UnconfirmedError
from ._python import Python
from ._sync import BroadcastOperator, Emitter, Pipeline

__version__ = "0.1.0"

__all__ = [
    "Acks",
    "AsyncBroadcastOperator",
    "AsyncEmitter",
    "BroadcastOperator",
    "Emitter",
    "IncompleteError",
    "Pipeline",
    "Python",
    "Reason",
    "Room",
    "Sharded",
    "SioemitError",
    "Socket",
    "Streams",
    "SubscriptionMode",
    "UnconfirmedError",
]
