"""What would be published can be installed, and works: the README's code and the example are run there."""

from __future__ import annotations

import re
import subprocess
import sys
import venv
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from .servers import Servers

if TYPE_CHECKING:
    from .conftest import Listener

HERE = Path(__file__).parent.parent


def installed(artefact: Path, folder: Path) -> Path:
    """Install an artefact into an empty environment, and return its Python."""
    venv.create(folder, with_pip=True)
    python = folder / "bin" / "python"
    subprocess.run([python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", artefact], check=True)
    return python


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("dist")
    subprocess.run([sys.executable, "-m", "build", "--no-isolation", "--quiet", "--outdir", folder, HERE], check=True)
    return folder


@pytest.fixture(scope="module")
def python(built: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The Python of an environment in which the wheel is installed."""
    (wheel,) = built.glob("*.whl")
    return installed(wheel, tmp_path_factory.mktemp("wheel"))


def run(python: Path, code: str, folder: Path, *words: str) -> str:
    """Run a program in an empty folder, and return what it prints."""
    file = folder / "program.py"
    file.write_text(code)
    done = subprocess.run(
        [python, "-W", "error", file, *words], cwd=folder, check=False, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    )
    assert done.returncode == 0, done.stdout.decode()
    return done.stdout.decode()


def test_wheel_is_typed(python: Path, tmp_path: Path) -> None:
    run(python, "import pathlib, sioemit; (pathlib.Path(sioemit.__file__).parent / 'py.typed').read_text()", tmp_path)


def test_sdist(built: Path, port: int, listener: Listener, tmp_path: Path) -> None:
    (sdist,) = built.glob("*.tar.gz")
    python = installed(sdist, tmp_path / "sdist")
    run(python, f"import redis, sioemit; sioemit.Emitter(redis.Redis(port={port})).emit('installed', 1)", tmp_path)
    assert listener.args() == [1]


def blocks_of_readme() -> list[str]:
    return re.findall(r"```python\n(.*?)```", (HERE / "README.md").read_text(), re.DOTALL)


def test_readme(python: Path, port: int, listener: Listener, tmp_path: Path) -> None:
    blocks = [block for block in blocks_of_readme() if "opentelemetry" not in block]  # which is not installed there
    assert len(blocks) >= 6
    url = f"redis://127.0.0.1:{port}"
    asynchronous = next(i for i, block in enumerate(blocks) if "async def notify" in block)
    blocks[asynchronous] += f"""
import asyncio

async def main() -> None:
    async with Redis.from_url({url!r}) as redis:
        await notify(redis)

asyncio.run(main())
from redis import Redis
"""
    code = "\n".join(blocks).replace("redis://localhost:6379", url) + "redis.close()\n"
    with Servers(port):
        printed = run(python, code, tmp_path)
    assert (
        printed
        == "all clients answered: ['round 7']\ns1 ['s1', 'a', 5] {'n': 1}\nservers that have it: 1\nempty-room\nnot sent: reserved-event\n"
    )
    channel, (_, packet, _) = listener.next()
    assert (channel, packet["data"]) == ("socket.io#/#", ["hello", "world"])
    channel, (_, packet, options) = listener.next()
    assert (channel, packet["data"][0], options["except"]) == ("socket.io#/#user:7#", "order:paid", ["muted"])
    channel, (_, packet, _) = listener.next()
    assert (channel, packet["data"]) == ("socket.io#/admin#", ["photo", b"\xff\xd8"])
    assert listener.args() == [{"id": 12345}]
    channel, message = listener.next()
    assert (channel, message["room"], message["data"]) == ("flask-socketio", "user:7", [{"id": 12345}])
    assert [listener.next()[1][1]["data"] for _ in range(2)] == [["a"], ["b"]]
    assert [listener.args() for _ in range(1000)] == [[n] for n in range(1000)]


def test_example(python: Path, port: int, listener: Listener, tmp_path: Path) -> None:
    printed = run(python, (HERE / "example.py").read_text(), tmp_path, f"redis://127.0.0.1:{port}")
    assert printed == "0 servers listen\n"
    assert [listener.next()[0] for _ in range(3)] == ["socket.io#/#user:7#", "socket.io#/#", "socket.io-request#/#"]
