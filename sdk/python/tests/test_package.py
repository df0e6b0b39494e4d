"""What would be published can be installed, and works."""

from __future__ import annotations

import subprocess
import sys
import venv
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .conftest import Listener

HERE = Path(__file__).parent.parent


def test_wheel_and_sdist(tmp_path: Path, port: int, listener: Listener) -> None:
    subprocess.run([sys.executable, "-m", "build", "--no-isolation", "--quiet", "--outdir", tmp_path, HERE], check=True)
    for artefact in (*tmp_path.glob("*.whl"), *tmp_path.glob("*.tar.gz")):
        empty = tmp_path / f"empty-{artefact.suffix}"
        venv.create(empty, with_pip=True)
        python = empty / "bin" / "python"
        subprocess.run([python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", artefact], check=True)
        script = (
            "import redis, sioemit, pathlib; "
            "assert (pathlib.Path(sioemit.__file__).parent / 'py.typed').exists(); "
            f"sioemit.Emitter(redis.Redis(port={port})).emit('installed', '{artefact.suffix}')"
        )
        subprocess.run([python, "-c", script], check=True, cwd=tmp_path)
        assert listener.args() == [artefact.suffix]
    assert len(list(tmp_path.glob("empty-*"))) == 2
