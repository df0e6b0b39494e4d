"""What a confirmation needs of an emitter."""

from __future__ import annotations

from collections.abc import Coroutine, Iterator
from contextlib import contextmanager
from typing import Any, Protocol, TypeVar

from redis.exceptions import RedisClusterException, RedisError

from ._adapters import Adapter
from ._answers import Confirmation
from ._errors import IncompleteError, SioemitError
from ._redis import text, without_arguments
from ._sent import Sent

Result = TypeVar("Result")


class Asker(Protocol):
    """An emitter, as far as a confirmation needs it. One that blocks never makes its caller wait for an event loop."""

    namespace: str
    adapter: Adapter
    sent: Sent
    deadline: float
    is_cluster: bool

    async def nodes(self) -> list[Any]:
        """Return all nodes that the client of a Redis Cluster knows."""

    async def find_nodes(self) -> object:
        """Make it look for them again."""

    def node_of(self, key: str) -> Any:
        """Return the node that has a key."""

    async def run(self, *words: str | bytes, node: Any = None) -> Any:
        """Return the answer of Redis to a command."""

    async def ask(self, questions: list[Confirmation]) -> None:
        """Ask, and wait for the answers as long as there is time."""

    async def pause(self, seconds: float) -> None:
        """Wait."""

    def incomplete(self, question: Confirmation) -> IncompleteError:
        """Return the error of a question that has not got all its answers."""

    def no_servers(self) -> SioemitError:
        """Return the error of a question that nobody listens to."""


def run_blocking(work: Coroutine[Any, Any, Result]) -> Result:
    """Return what work returns whose asker blocks: it never waits, and needs no event loop."""
    try:
        work.send(None)
    except StopIteration as stop:
        result: Result = stop.value
        return result
    work.close()
    raise RuntimeError("it waits for an event loop")


class RefusedError(Exception):
    """Redis has not answered a command that looks at what carries events."""


@contextmanager
def looking(command: str) -> Iterator[None]:
    """Say which command Redis has not answered."""
    try:
        yield
    except (RedisError, RedisClusterException, OSError) as err:
        # What causes it may repeat a password.
        raise RefusedError(f"{command}: {without_arguments(str(err))}") from None


async def look_by(asker: Asker, *words: str | bytes, node: Any = None) -> Any:
    """Return the answer to such a command."""
    name = [text(word) for word in words[:2]]
    with looking(" ".join(name) if name[0] in ("CLIENT", "CLUSTER") else name[0]):
        return await asker.run(*words, node=node)
