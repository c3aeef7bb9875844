"""Routes: who may do what, and which process answers."""

from __future__ import annotations

import hmac
import time
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from answers import NOWHERE, ok, refusal
from errors import ApiError, forbidden, internal, lacking, no_collection, parse_json, parse_object
from faults import Faults
from lacking import DISTANCE_MATRIX, FULL_SNAPSHOTS, QUERY_KINDS, SHARDING, VECTOR_DDL
from reads import dumps
from registry import Registry
from schema import check_name, new_config
from service import TITLE, VERSION, Service
from snapshot_routes import SnapshotRoutes
from wire import TEXT, Request, Response

OPEN_PATHS = {"/", "/healthz", "/livez", "/readyz"}
READS = {"points", "scroll", "count", "query", "search", "batch", "groups", "facet"}


class Router:
    def __init__(self, registry: Registry, admin_key: str | None, read_key: str | None, faults: Faults) -> None:
        self.registry, self.faults = registry, faults
        self.admin_key, self.read_key = admin_key, read_key
        self.service = Service()
        self.snapshots = SnapshotRoutes(registry)

    # ---- what the wire asks before there is a body

    def early(self, request: Request) -> Response | None:
        if (not self.admin_key and not self.read_key) or request.path in OPEN_PATHS or self._key(request) is not None:
            return None
        text = b"Invalid API key or JWT"
        if self._given_key(request) is None:
            text = b"Must provide an API key or an Authorization bearer token"
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
        route = f"{request.method} /{request.path.split('/')[1]}"
        self.service.note(route, response.status, time.perf_counter() - started)
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
                return Response(200, self.service.metrics(len(self.registry.entries)).encode(), TEXT)
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

    def _manage(self, request: Request) -> None:
        if self._key(request) != "manage":
            raise forbidden()

    def _aliases(self, of: str | None) -> dict[str, Any]:
        known = self.registry.aliases.items()
        return {"aliases": [{"alias_name": a, "collection_name": c} for a, c in known if of in (None, c)]}

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
                return await self.snapshots.handle(request, name, file, self._key(request) == "manage")
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
        known = self.registry.resolve(name) in self.registry.entries
        allowed = is_read(request.method, rest) or self._key(request) == "manage"
        if not (known and allowed):
            if request.body:
                parse_json(request.body)  # a server reads the body, then looks for the collection, then at rights
            raise forbidden() if known else no_collection(name)
        child = await self.registry.child(name)
        meta = {"op": "http", "route": [request.method, *rest], "query": request.query}
        return Response(200, await child.call(meta, request.body))


def is_read(method: str, rest: list[str]) -> bool:
    return method == "GET" or (method == "POST" and rest[-1] in READS and rest[-2:] != ["points", "batch"])
