"""What others see of events: spans, and the text of errors."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest
import redis

from sioemit import AsyncEmitter, Emitter, SioemitError, Streams

from .conftest import Ask, redis_server
from .servers import Servers
from .test_package import blocks_of_readme, run

SECRET = "s3cr3t"

TRACED = """
import asyncio, json, sys
from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

spans = InMemorySpanExporter()
trace.set_tracer_provider(TracerProvider())
trace.get_tracer_provider().add_span_processor(SimpleSpanProcessor(spans))
{instrument}
import redis, redis.asyncio
from sioemit import AsyncEmitter, Emitter, Sharded, Streams

PORT, SECRET = {port}, {secret!r}
REFUSED = {{"username": "refused", "password": "pass"}}

def events(pipe):
    pipe.to(SECRET).emit(SECRET, SECRET)
    pipe.emit(SECRET, SECRET.encode())

with redis.Redis(port=PORT) as client:
    client.set("wrong", SECRET)
    client.execute_command("ACL", "SETUSER", "refused", "on", ">pass", "&none", "+@all")
    for options in ({{}}, {{"adapter": Sharded()}}, {{"adapter": Streams()}}, {{"adapter": Streams(stream_name="wrong")}}):
        io = Emitter(client, **options)
        for send in (lambda: events(io), lambda: events(io.of(SECRET))):
            try:
                send()
            except redis.ResponseError:
                pass
        try:
            with io.pipeline() as pipe:
                events(pipe)
        except redis.ResponseError:
            pass
    with redis.Redis(port=PORT, **REFUSED) as refused:
        try:
            with Emitter(refused).pipeline() as pipe:
                events(pipe)
        except redis.ResponseError:
            pass
    Emitter(client).timeout(60).emit_with_ack(SECRET, SECRET)
    Emitter(client).timeout(60).confirm()

async def main():
    async with redis.asyncio.Redis(port=PORT) as client, redis.asyncio.Redis(port=PORT, **REFUSED) as refused:
        for client, options in (client, {{}}), (refused, {{}}), (client, {{"adapter": Streams(stream_name="wrong")}}):
            io = AsyncEmitter(client, **options)
            try:
                await io.to(SECRET).emit(SECRET, SECRET)
            except redis.ResponseError:
                pass
            try:
                async with io.pipeline() as pipe:
                    events(pipe)
            except redis.ResponseError:
                pass

asyncio.run(main())
print(json.dumps([span.to_json() for span in spans.get_finished_spans()]))
"""


def test_spans_hold_nothing_of_an_event(tmp_path: Path) -> None:
    (instrument,) = [block for block in blocks_of_readme() if "opentelemetry" in block]
    with redis_server(tmp_path) as port, Servers(port):
        printed = run(Path(sys.executable), TRACED.format(instrument=instrument, port=port, secret=SECRET), tmp_path)
    spans = [json.loads(span) for span in json.loads(printed)]
    statements = [span["attributes"]["db.statement"].split()[0] for span in spans]
    assert {"PUBLISH", "SPUBLISH", "XADD"} <= set(statements)
    assert any(span["status"]["status_code"] == "ERROR" for span in spans), "some have failed"
    assert SECRET not in printed


def test_the_error_of_a_pipeline_holds_nothing_of_an_event(ask: Ask, tmp_path: Path) -> None:
    """Redis has refused one command of three."""

    def pipelined(io: Emitter | AsyncEmitter) -> object:
        if isinstance(io, Emitter):
            with io.pipeline() as pipe:
                for namespace in ("/", "/refused", "/"):
                    pipe.of(namespace).emit("ev", SECRET)
            return None

        async def made() -> None:
            async with io.pipeline() as pipe:
                for namespace in ("/", "/refused", "/"):
                    pipe.of(namespace).emit("ev", SECRET)

        return made()

    with redis_server(tmp_path) as port, redis.Redis(port=port) as admin:
        admin.execute_command("ACL", "SETUSER", "sender", "on", ">pass", "&socket.io#/#", "~*", "+@all")
        admin.set("socket.io-1", "wrong")
        sender = {"username": "sender", "password": "pass"}
        with pytest.raises(redis.ResponseError) as err:
            ask(port, pipelined, **sender)
        assert str(err.value).startswith("command 2 of the pipeline, PUBLISH: ")
        assert SECRET not in str(err.value)

        options = {"adapter": Streams(stream_count=2)}
        with pytest.raises(redis.ResponseError) as err:
            ask(port, pipelined, options=options)
        assert "of the pipeline, XADD: WRONGTYPE" in str(err.value)
        assert SECRET not in str(err.value)


def test_the_error_of_a_call_holds_no_argument(port: int) -> None:
    with redis.Redis(port=port) as client:
        io = Emitter(client)
        for argument in ({SECRET: object()}, [SECRET, float("nan")], {SECRET: {SECRET: {1, 2}}}):
            with pytest.raises(SioemitError) as err:
                io.emit("ev", argument)
            assert SECRET not in str(err.value)
