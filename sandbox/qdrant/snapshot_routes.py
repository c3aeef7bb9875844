"""The routes below /collections/NAME/snapshots."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from pathlib import Path
from typing import Any

import snapshots
from answers import NOWHERE, accepted, ok
from errors import ApiError, at_value, forbidden, format_error, no_collection, parse_object, refuse_variant
from registry import Registry
from wire import Request, Response


class SnapshotRoutes:
    def __init__(self, registry: Registry) -> None:
        self.registry = registry
        self.background: set[asyncio.Task[Any]] = set()

    async def handle(self, request: Request, name: str, file: list[str], manages: bool) -> Response:
        registry = self.registry
        folder = registry.snapshots / registry.resolve(name)
        match (request.method, *file):
            case ("PUT", "recover"):
                return await self._recover(request, name, manages)
            case ("POST", "upload"):
                if not manages:
                    raise forbidden(plain=True)
                checksum = request.query.get("checksum")
                snapshots.check_checksum(checksum, "query parameters")
                kind = request.headers.get("content-type", "")
                meta = {"spooled": str(request.spooled), "content_type": kind, "checksum": checksum}
                request.spooled, spooled = None, request.spooled
                return await self._finish(request, self._upload(name, meta, spooled))
            case ("GET", snapshot):
                try:
                    return snapshots.download(folder, snapshot, request)
                except ApiError as failure:
                    failure.plain = True
                    raise
            case ("POST",) | ("DELETE", _):
                if not manages:
                    raise forbidden()
            case ("GET",):
                pass
            case _:
                raise NOWHERE
        if registry.resolve(name) not in registry.entries:
            raise no_collection(name)
        if request.method == "GET":
            return ok(snapshots.listing(folder))
        if request.method == "DELETE":
            snapshots.remove(folder, file[0])
            return accepted() if request.query.get("wait") == "false" else ok(True)
        target = folder / snapshots.new_name(registry.resolve(name), registry.peer)
        return await self._finish(request, registry.archive(name, target))

    async def _recover(self, request: Request, name: str, manages: bool) -> Response:
        body = parse_object(request.body, "SnapshotRecover")
        snapshots.check_location(body.get("location"), at_value(request.body, "location"))
        priority = body.get("priority")
        if priority is not None and priority not in snapshots.PRIORITIES:
            where = at_value(request.body, "priority")
            raise format_error(refuse_variant(priority, snapshots.PRIORITIES, where))
        snapshots.check_checksum(body.get("checksum"), "JSON body")
        if not manages:
            raise forbidden()
        meta = {key: body.get(key) for key in ("location", "checksum", "api_key")}
        return await self._finish(request, self.registry.restore(name, meta))

    async def _upload(self, name: str, meta: dict[str, Any], spooled: Path | None) -> None:
        try:
            await self.registry.restore(name, meta)
        finally:
            if spooled:
                spooled.unlink(missing_ok=True)

    async def _finish(self, request: Request, work: Coroutine[Any, Any, bytearray | None]) -> Response:
        """Snapshot work goes on when the client leaves; with wait=false the answer comes before it has begun."""
        task = asyncio.get_running_loop().create_task(work)
        self.background.add(task)
        task.add_done_callback(self.background.discard)
        if request.query.get("wait") == "false":
            task.add_done_callback(lambda done: done.cancelled() or done.exception())
            return accepted()
        done = await asyncio.shield(task)
        return ok(True) if done is None else Response(200, done)
