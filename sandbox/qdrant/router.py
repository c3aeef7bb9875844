"""Routes: who may do what, and which process answers."""

from __future__ import annotations

import asyncio
import hmac
import time
from collections.abc import Coroutine
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import snapshots
from errors import ApiError, at_value, forbidden, format_error, internal, lacking, no_collection, parse_json, parse_object
from errors import refuse_variant
from faults import Faults
from lacking import DISTANCE_MATRIX, FULL_SNAPSHOTS, QUERY_KINDS, SHARDING, VECTOR_DDL
from reads import dumps
from registry import Registry
from schema import check_name, new_config
from service import TITLE, VERSION, Service
from wire import TEXT, FileSlice, Request, Response

OPEN_PATHS = {"/", "/healthz", "/livez", "/readyz"}
READS = {"points", "scroll", "count", "query", "search", "batch", "groups", "facet"}
NOWHERE = ApiError(404, "", plain=True)


class Router:
    def __init__(self, registry: Registry, admin_key: str | None, read_key: str | None, faults: Faults) -> None:
        self.registry, self.faults = registry, faults
        self.admin_key, self.read_key = admin_key, read_key
        self.service = Service()
        self.background: set[asyncio.Task[Any]] = set()

    # ---- what the wire asks before there is a body

    def early(self, request: Request) -> Response | None:
        if (not self.admin_key and not self.read_key) or request.path in OPEN_PATHS or self._key(request) is not None:
            return None
        text = b"Invalid API key or JWT" if self._given_key(request) is not None else (
            b"Must provide an API key or an Authorization bearer token"
        )
        return Response(401, text, None)

    def spool(self, request: Request) -> Path | None:
        if request.method == "POST" and request.path.rstrip("/").endswith("/snapshots/upload"):
            return self.registry.scratch_folder("upload")
        return None

    def _given_key(self, request: Request) -> str | None:
        bearer = request.headers.get("authorization", "")
        return request.headers.get("api-key", bearer[7:] if bearer.startswith("Bearer ") else None)

    def _key(self, request: Request) -> str | None:
        """`manage` or `read`, or None for a key that is neither."""
        given = (self._given_key(request) or "").encode()
        if not self.admin_key and not self.read_key:
            return "manage"
        for right, key in (("manage", self.admin_key), ("read", self.read_key)):
            if key and hmac.compare_digest(given, key.encode()):
                return right
        return None

    # ---- one request

    async def handle(self, request: Request) -> Response:
        started = time.perf_counter()
        try:
            await self.faults.before(request)
            response = await self._route(request)
        except ApiError as failure:
            response = refusal(failure, time.perf_counter() - started)
        finally:
            if request.spooled:
                request.spooled.unlink(missing_ok=True)
        self.service.note(f"{request.method} /{request.path.split('/')[1]}", response.status, time.perf_counter() - started)
        return self.faults.after(request, response)

    async def _route(self, request: Request) -> Response:
        parts = [unquote(part) for part in request.path.strip("/").split("/")]
        match (request.method, *parts):
            case ("GET", ""):
                return Response(200, dumps({"title": TITLE, "version": VERSION}))
            case ("GET", "healthz" | "livez"):
                return Response(200, b"healthz check passed", TEXT)
            case ("GET", "readyz"):
                return Response(200, b"all shards are ready", TEXT)
            case ("GET", "telemetry"):
                detailed = int(request.query.get("details_level") or 0) > 0
                return ok(self.service.telemetry(list(self.registry.entries), detailed))
            case ("GET", "metrics"):
                return Response(200, (await self._metrics()).encode(), TEXT)
            case ("GET", "issues"):
                return ok({"issues": []})
            case ("GET", "cluster"):
                return ok({"status": "disabled"})
            case (_, "cluster", *_):
                raise internal("Qdrant is running in standalone mode")
            case (_, "snapshots", *_):
                lacking(FULL_SNAPSHOTS)
            case ("GET", "collections"):
                return ok({"collections": [{"name": name} for name in self.registry.entries]})
            case ("GET", "aliases"):
                return ok(self._aliases(None))
            case ("POST", "collections", "aliases"):
                body = parse_object(request.body, "ChangeAliasesOperation")
                self._manage(request)
                self.registry.change_aliases(body["actions"])
                return ok(True)
            case (_, "collections", name, *rest) if name:
                return await self._collection(request, name, rest)
        raise NOWHERE

    def _manage(self, request: Request, *, plain: bool = False) -> None:
        if self._key(request) != "manage":
            raise forbidden(plain=plain)

    def _aliases(self, of: str | None) -> dict[str, Any]:
        known = self.registry.aliases.items()
        return {"aliases": [{"alias_name": a, "collection_name": c} for a, c in known if of in (None, c)]}

    async def _metrics(self) -> str:
        return self.service.metrics(len(self.registry.entries), 0)

    async def _collection(self, request: Request, name: str, rest: list[str]) -> Response:
        registry = self.registry
        match (request.method, *rest):
            case ("PUT",):
                check_name(name, str(registry.storage))
                config = new_config(parse_object(request.body, "CreateCollection"), request.body)
                self._manage(request)
                await registry.create(name, config)
                return ok(True)
            case ("DELETE",):
                self._manage(request)
                return ok(await registry.delete(name))
            case ("PATCH",):
                self._manage(request)
            case ("GET", "exists"):
                return ok({"exists": registry.resolve(name) in registry.entries})
            case ("GET", "aliases"):
                return ok(self._aliases(registry.resolve(name)))
            case ("GET", "cluster"):
                request.query["peer"] = str(registry.peer)
            case (_, "cluster", *_):
                raise internal("Qdrant is running in standalone mode")
            case (_, "shards", *_):
                lacking(SHARDING)
            case (_, "vectors", *_):
                lacking(VECTOR_DDL)
            case ("POST", "points", "recommend" | "discover", *_):
                lacking(QUERY_KINDS)
            case ("POST", "points", "search", "matrix", *_):
                lacking(DISTANCE_MATRIX)
            case (_, "snapshots", *file):
                return await self._snapshots(request, name, file)
            case ("GET",) | ("GET", "points", _) | ("PUT", "index") | ("DELETE", "index", _):
                pass
            case ("PUT", "points") | ("PUT", "points", "vectors" | "payload") | ("POST", "points", *_):
                pass
            case ("POST", "facet"):
                rest = ["points", "facet"]
            case _:
                raise NOWHERE
        return await self._forward(request, name, rest)

    async def _forward(self, request: Request, name: str, rest: list[str]) -> Response:
        reading = request.method == "GET" or (request.method == "POST" and rest[-1] in READS and rest[-2:] != ["points", "batch"])
        if registry_misses := self.registry.resolve(name) not in self.registry.entries or not (
            reading or self._key(request) == "manage"
        ):
            if request.method != "GET" and request.body:
                parse_json(request.body)  # a server reads the body first, then looks for the collection, then at rights
        if self.registry.resolve(name) not in self.registry.entries:
            raise no_collection(name)
        if registry_misses:
            raise forbidden()
        child = await self.registry.child(name)
        meta = {"op": "http", "route": [request.method, *rest], "query": request.query}
        return Response(200, await child.call(meta, request.body))

    # ---- snapshots

    async def _snapshots(self, request: Request, name: str, file: list[str]) -> Response:
        registry = self.registry
        folder = registry.snapshots / registry.resolve(name)
        match (request.method, *file):
            case ("PUT", "recover"):
                return await self._recover(request, name)
            case ("POST", "upload"):
                self._manage(request, plain=True)
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
                self._manage(request)
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
            return ok(True)
        target = folder / snapshots.new_name(registry.resolve(name), registry.peer)
        return await self._finish(request, registry.archive(name, target))

    async def _recover(self, request: Request, name: str) -> Response:
        body = parse_object(request.body, "SnapshotRecover")
        snapshots.check_location(body.get("location"), at_value(request.body, "location"))
        priority = body.get("priority")
        if priority is not None and priority not in snapshots.PRIORITIES:
            where = at_value(request.body, "priority")
            raise format_error(refuse_variant(priority, snapshots.PRIORITIES, where))
        snapshots.check_checksum(body.get("checksum"), "JSON body")
        self._manage(request)
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
            return Response(202, b'{"status":"accepted","time":0.0}')
        done = await asyncio.shield(task)
        return ok(True) if done is None else Response(200, done)


def ok(result: Any) -> Response:
    return Response(200, b'{"result":%s,"status":"ok","time":0.0}' % dumps(result))


def refusal(failure: ApiError, seconds: float) -> Response:
    headers = {} if failure.retry_after is None else {"retry-after": str(failure.retry_after)}
    if failure.plain:
        return Response(failure.status, failure.message.encode(), TEXT if failure.message else None, headers)
    return Response(failure.status, dumps({"status": {"error": failure.message}, "time": seconds}), headers=headers)


__all__ = ["FileSlice", "Router"]
