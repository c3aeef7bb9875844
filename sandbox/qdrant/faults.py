"""Switches that make the front misbehave, on a port of their own.

GET /faults lists them, PUT /faults/NAME turns one on, DELETE /faults/NAME or /faults turns off. Each takes optional
`count` (how many requests to hit), `path` (a regular expression) and `method`.
"""

from __future__ import annotations

import asyncio
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson

from errors import ApiError, internal
from reads import dumps
from wire import TEXT, Drop, FileSlice, Request, Response

NAMES: dict[str, str] = {
    "rate-limit": "429; `retry_after` in seconds (default 1), null leaves the header out",
    "unavailable": "503",
    "hang": "accepts and never answers, for `seconds` (default 60), then drops the connection",
    "cut-download": "a snapshot download ends after `bytes` (default 4096)",
    "corrupt-download": "one byte of a snapshot download is wrong, at `offset` (default: the middle)",
    "lost-response": "does the work, then drops the connection without an answer",
    "dummy-shard": "500 as from a shard that could not be loaded",
    "recovery-mode": "as started without its data: points and descriptions answer 500; lists, deletion and restores work",
    "slow": "every answer comes `ms` later (default 2500)",
    "disk-full": "what writes answers 500 for want of space; reading works",
    "wrong-key": "401 to every key",
}
DOWNLOADS = {"cut-download", "corrupt-download"}
HEALTH = {"/", "/healthz", "/livez", "/readyz"}
DIRTY = "Dirty shard - shard is not fully initialized"


@dataclass
class Fault:
    params: dict[str, Any]
    left: int | None
    hits: int = 0

    def matches(self, request: Request) -> bool:
        if self.left == 0:
            return False
        wanted_method, wanted_path = self.params.get("method"), self.params.get("path")
        if wanted_method and wanted_method.upper() != request.method:
            return False
        if wanted_path is None:  # unless a path is named, the server still looks alive
            return request.path not in HEALTH
        return re.search(wanted_path, request.path) is not None

    def hit(self) -> None:
        self.hits += 1
        if self.left is not None:
            self.left -= 1


class Faults:
    def __init__(self) -> None:
        self.on: dict[str, Fault] = {}

    def _take(self, name: str, request: Request) -> dict[str, Any] | None:
        fault = self.on.get(name)
        if fault is None or not fault.matches(request):
            return None
        fault.hit()
        return fault.params

    async def before(self, request: Request) -> None:
        """The faults that strike instead of the work."""
        if not self.on:
            return
        if (params := self._take("hang", request)) is not None:
            await asyncio.sleep(params.get("seconds", 60))
            raise Drop
        if (params := self._take("slow", request)) is not None:
            await asyncio.sleep(params.get("ms", 2_500) / 1000)
        if self._take("wrong-key", request) is not None:
            raise ApiError(401, "Invalid API key or JWT", plain=True)
        if is_of_points(request) and self._take("recovery-mode", request) is not None:
            raise dummy_shard("Qdrant is running in recovery mode: out of memory")
        if is_write(request) and self._take("disk-full", request) is not None:
            raise internal("No space left on device (os error 28)")
        if (params := self._take("rate-limit", request)) is not None:
            wait = params.get("retry_after", 1)
            text = "Rate limiting exceeded: Write rate limit exceeded"
            if wait is not None:
                text += f": Operation requires 1 tokens but only 0.0 were available. Retry after {wait}s"
            raise ApiError(429, text, retry_after=wait)
        if self._take("unavailable", request) is not None:
            raise ApiError(503, "Service temporarily unavailable: Shard temporarily unavailable")
        if request.path.startswith("/collections/") and self._take("dummy-shard", request) is not None:
            raise dummy_shard(DIRTY)

    def after(self, request: Request, response: Response) -> Response:
        """The faults that strike what the work has brought."""
        if not self.on:
            return response
        if isinstance(response.body, FileSlice) and "/snapshots/" in request.path:
            part = response.body
            if (params := self._take("cut-download", request)) is not None:
                part.cut = params.get("bytes", 4096)
            if (params := self._take("corrupt-download", request)) is not None:
                part.flip = params.get("offset", part.start + part.length // 2)
        if self._take("lost-response", request) is not None:
            raise Drop
        return response


def is_of_points(request: Request) -> bool:
    """What a server in recovery mode cannot do: anything that needs a shard."""
    parts = request.path.strip("/").split("/")
    if len(parts) < 2 or parts[0] != "collections" or parts[1] == "aliases":
        return False
    if len(parts) == 2:
        return request.method == "GET"
    return parts[2] in {"points", "index"}


def is_write(request: Request) -> bool:
    reads = re.search(r"/points(/(scroll|count|query|search|facet)(/.*)?)?$", request.path)
    return request.method in {"PUT", "POST", "PATCH"} and not (request.method == "POST" and reads)


def dummy_shard(text: str) -> ApiError:
    return internal(f"1 of 1 read operations failed:\n  Service internal error: {text}")


class FaultPort:
    """The side port's handler."""

    def __init__(self, faults: Faults) -> None:
        self.faults = faults

    def early(self, request: Request) -> Response | None:
        return None

    def spool(self, request: Request) -> Path | None:
        return None

    async def handle(self, request: Request) -> Response:
        base, _, name = request.path.strip("/").partition("/")
        if base != "faults" or (name and name not in NAMES):
            return Response(404, f"no such switch; there are {', '.join(NAMES)}\n".encode(), TEXT)
        if request.method == "PUT" and name:
            try:
                self.faults.on[name] = self._parsed(request.body)
            except (ValueError, TypeError, re.error) as failure:
                return Response(400, f"{failure}\n".encode(), TEXT)
        elif request.method == "DELETE":
            self.faults.on = {one: fault for one, fault in self.faults.on.items() if name and one != name}
        elif request.method != "GET":
            return Response(405, b"GET, PUT or DELETE\n", TEXT)
        on = self.faults.on.items()
        state = {one: {"params": fault.params, "left": fault.left, "hits": fault.hits} for one, fault in on}
        return Response(200, dumps({"known": NAMES, "on": state}))

    @staticmethod
    def _parsed(body: bytes) -> Fault:
        params = orjson.loads(body) if body.strip() else {}
        if not isinstance(params, dict):
            raise TypeError("parameters are a JSON object")
        re.compile(params.get("path") or "")
        return Fault(params, params.get("count"))
