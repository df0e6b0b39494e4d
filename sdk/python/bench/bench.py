"""What an emit costs beside the bare client and beside json.dumps, in CPU time of the client, as ratios of one run.

python bench/bench.py [redis://HOST:PORT]: without a URL it starts a redis-server of its own.
"""

from __future__ import annotations

import json
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import redis

from sioemit import Emitter
from sioemit._encoding import Limits, encode

sys.path.insert(0, str(Path(__file__).parent.parent))
from tests.conftest import redis_server

ORDER = {
    "id": 12345,
    "title": "Order shipped",
    "price": 19.99,
    "tags": ["a", "b", "c"],
    "user": {"id": "u_123", "name": "Ada"},
}
EVENTS, ROUNDS = 1000, 15


def cpu(work: Callable[[], Any]) -> float:
    """Return the CPU time of a piece of work, user and system, in seconds."""
    start = time.process_time()
    work()
    return time.process_time() - start


def ratio(work: Callable[[], Any], reference: Callable[[], Any]) -> float:
    """Return what work costs in units of the reference: the median of rounds in turns."""
    work()
    reference()
    return statistics.median(cpu(work) / cpu(reference) for _ in range(ROUNDS))


def main(url: str) -> None:
    """Print the ratios and their bars."""
    with redis.Redis.from_url(url) as client:
        io = Emitter(client)
        channel, message = "socket.io#/#r#", io.to("r")._broadcast("order", (ORDER,))[2]

        def bare() -> None:
            with client.pipeline(transaction=False) as pipe:
                for _ in range(EVENTS):
                    pipe.execute_command("PUBLISH", channel, message)
                pipe.execute()

        def pipeline() -> None:
            with io.pipeline() as pipe:
                for _ in range(EVENTS):
                    pipe.to("r").emit("order", ORDER)

        def kept() -> None:
            with io.pipeline() as pipe:
                room = pipe.to("r")
                for _ in range(EVENTS):
                    room.emit("order", ORDER)

        def one_by_one() -> None:
            room = io.to("r")
            for _ in range(EVENTS):
                room.emit("order", ORDER)

        def bare_one_by_one() -> None:
            for _ in range(EVENTS):
                client.execute_command("PUBLISH", channel, message)

        limits = Limits(10, None)

        def encoding() -> None:
            for _ in range(20 * EVENTS):
                encode("order", (ORDER,), "messagepack", limits)

        def dumps() -> None:
            for _ in range(20 * EVENTS):
                json.dumps(ORDER)

        print(f"pipeline, rate against bare:               {1 / ratio(pipeline, bare):.2f}  (bar 0.75)")
        print(f"pipeline, target kept, rate against bare:  {1 / ratio(kept, bare):.2f}")
        print(f"one by one, rate against bare:             {1 / ratio(one_by_one, bare_one_by_one):.2f}")
        print(f"encoding, in units of json.dumps:          {ratio(encoding, dumps):.2f}  (bar 0.5)")


if __name__ == "__main__":
    with ExitStack() as stack:
        if len(sys.argv) > 1:
            main(sys.argv[1])
        else:
            directory = Path(stack.enter_context(tempfile.TemporaryDirectory()))
            main(f"redis://127.0.0.1:{stack.enter_context(redis_server(directory))}")
