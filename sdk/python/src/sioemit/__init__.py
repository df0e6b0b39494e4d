"""Send events to the clients of a Socket.IO cluster from outside, through the Redis that joins its servers."""

from ._adapters import Room, Sharded, Streams, SubscriptionMode
from ._asyncio import AsyncBroadcastOperator, AsyncEmitter
from ._errors import Reason, SioemitError
from ._python import Python
from ._sync import BroadcastOperator, Emitter, Pipeline

__version__ = "0.1.0"

__all__ = [
    "AsyncBroadcastOperator",
    "AsyncEmitter",
    "BroadcastOperator",
    "Emitter",
    "Pipeline",
    "Python",
    "Reason",
    "Room",
    "Sharded",
    "SioemitError",
    "Streams",
    "SubscriptionMode",
]
