"""Tell one user, everyone but the muted, and the servers: python example.py [redis://HOST:PORT]."""

from __future__ import annotations

import sys

from redis import Redis

from sioemit import Emitter


def main(url: str) -> None:
    """Send three events, and say how many servers listen."""
    with Redis.from_url(url) as redis:
        io = Emitter(redis)
        io.to("user:7").emit("order:paid", {"id": 12345, "total": 19.99})
        io.except_("muted").emit("news", "The shop is open")
        io.server_side_emit("reload-config")
        print(f"{io.server_count()} servers listen")


if __name__ == "__main__":
    main(sys.argv[1] if len(sys.argv) > 1 else "redis://localhost:6379")
