"""The process of one collection: it alone holds the shard, and answers one request after the other."""

from __future__ import annotations

import gc
import os
import select
import socket
import sys
import time
from pathlib import Path
from typing import Any

import orjson

import restore
from children import ANSWER, REQUEST
from collection import Collection
from errors import ApiError, from_engine, internal
from reads import dumps


class Worker:
    def __init__(self, end: socket.socket) -> None:
        self.end = end
        self.collection: Collection | None = None

    def run(self) -> None:
        gc.set_threshold(100_000, 50, 50)  # requests leave no cycles behind, and a page of points is many objects
        while (frame := self._receive()) is not None:
            meta, body = frame
            started = time.perf_counter()
            try:
                self._send(self._perform(meta, body), started)
            except ApiError as failure:
                self._refuse(failure)
            except (KeyError, AttributeError) as failure:
                missing = f"missing field `{failure.args[0]}`" if isinstance(failure, KeyError) else str(failure)
                self._refuse(ApiError(400, f"Format error in JSON body: {missing}"))
            except Exception as failure:  # the engine raises nothing narrower
                self._refuse(from_engine(failure))
            if meta["op"] == "close":
                return

    def _perform(self, meta: dict[str, Any], body: memoryview) -> bytes:
        match meta["op"]:
            case "open":
                self.collection = Collection(Path(meta["folder"]), meta.get("config"))
                return dumps({"config": self.collection.config})
            case "restore":
                restore.restore(meta)
                return b"true"
            case "close":
                if self.collection:
                    self.collection.close()
                return b"true"
        if self.collection is None:
            raise internal("this process has no collection")
        if meta["op"] == "archive":
            return dumps(self.collection.archive(Path(meta["target"]), Path(meta["scratch"]), meta["peer"]))
        return self.collection.request(meta["route"], meta["query"], body)

    # ---- frames

    def _send(self, result: bytes, started: float) -> None:
        """The envelope goes around the result piece by piece: a page with vectors is too large to copy for it."""
        end = b',"status":"ok","time":%.9f}' % (time.perf_counter() - started)
        length = len(b'{"result":') + len(result) + len(end)
        self.end.sendall(ANSWER.pack(200, 0, -1, length) + b'{"result":')
        self.end.sendall(result)
        self.end.sendall(end)

    def _refuse(self, failure: ApiError) -> None:
        text = failure.message.encode()
        wait = -1 if failure.retry_after is None else failure.retry_after
        self.end.sendall(ANSWER.pack(failure.status, failure.plain, wait, len(text)) + text)

    def _receive(self) -> tuple[dict[str, Any], memoryview] | None:
        while self.collection and self.collection.dirty_since is not None:
            left = self.collection.flush_due() - time.monotonic()
            if left > 0 and select.select([self.end], [], [], left)[0]:
                break
            if left <= 0:
                self.collection.flush()
        first = self._exactly(REQUEST.size)
        if first is None:
            return None
        meta_length, body_length = REQUEST.unpack(first)
        rest = self._exactly(meta_length + body_length)
        if rest is None:
            return None
        return orjson.loads(rest[:meta_length]), rest[meta_length:]

    def _exactly(self, length: int) -> memoryview | None:
        view = memoryview(bytearray(length))
        filled = 0
        while filled < length:
            count = self.end.recv_into(view[filled:])
            if not count:
                return None
            filled += count
        return view


def main(end: socket.socket) -> None:
    try:
        Worker(end).run()
    except OSError:
        pass  # the router is gone
    os._exit(0)


if __name__ == "__main__":
    main(socket.socket(fileno=int(sys.argv[1])))
