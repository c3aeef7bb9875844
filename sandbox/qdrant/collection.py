"""One collection over one engine shard: its files, its settings and the operations on it."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import orjson
import qdrant_edge as edge

import queries
import reads
import writes
from archive import write_snapshot
from describe import cluster_info, collection_info
from errors import ApiError, Raw, at_value, bad_request, invalid, parse_object, refuse_variant
from filters import plain_text_matches
from schema import PLACEHOLDER, engine_config, index_params, patched, vector_map
from strict import Strict

OPEN_PATIENCE_S = 15.0
ORDERINGS = ("weak", "medium", "strong")
LIMITED = {"scroll", "query", "search", "query/groups"}


def save(path: Path, value: Any) -> None:
    """Whole or not at all, also when the process is killed between two writes."""
    partial = path.with_name(path.name + ".new")
    partial.write_bytes(orjson.dumps(value))
    partial.replace(path)


class Collection:
    def __init__(self, folder: Path, config: dict[str, Any] | None) -> None:
        self.folder = folder
        self.dirty_since: float | None = None
        self.operation = 0
        fresh = config is not None
        if config is None:
            config = orjson.loads((folder / "config.json").read_bytes())
            schema = folder / "payload_index.json"
            self.schema: dict[str, Any] = orjson.loads(schema.read_bytes())["schema"] if schema.exists() else {}
            self._use(config, fresh)
            self.shard = self._load()
            self._complete_indexes()
        else:
            folder.mkdir(parents=True)
            self.schema = {}
            self._use(config, fresh)
            self.shard = edge.EdgeShard.create(str(folder / "0"), engine_config(config))
            if not self._has_vectors():
                self.shard.update(edge.UpdateOperation.delete_vector_name(PLACEHOLDER))
            save(folder / "config.json", config)

    def _use(self, config: dict[str, Any], fresh: bool = False) -> None:
        self.config = config
        self.strict = Strict(config.get("strict_mode_config"), fresh)
        dense = vector_map(config)
        self.dims = {name: params["size"] for name, params in dense.items()}

    def _has_vectors(self) -> bool:
        return bool(self.dims or self.config["params"].get("sparse_vectors"))

    def _load(self) -> edge.EdgeShard:
        """The log is locked until the process that had it before is gone, which may take a moment after a kill."""
        deadline = time.monotonic() + OPEN_PATIENCE_S
        while True:
            try:
                config = engine_config(self.config) if self._has_vectors() else None
                return edge.EdgeShard.load(str(self.folder / "0"), config)
            except Exception as failure:
                if "WouldBlock" not in str(failure) or time.monotonic() > deadline:
                    raise
                time.sleep(0.05)

    def _complete_indexes(self) -> None:
        """Index and schema file are two writes, so a kill may have come between them; the engine's word counts."""
        present = self.shard.info().payload_schema
        for field, schema in self.schema.items():
            if field not in present:
                self.shard.update(edge.UpdateOperation.create_field_index(field, index_params(schema)))
        for field, info in present.items():
            self.schema.setdefault(field, str(info.data_type).rpartition(".")[2].lower())

    # ---- durability

    def flush_due(self) -> float:
        return (self.dirty_since or 0.0) + (self.config["optimizer_config"].get("flush_interval_sec") or 5)

    def flush(self) -> None:
        self.shard.flush()
        self.dirty_since = None

    def close(self) -> None:
        self.flush()
        self.shard.close()

    def archive(self, target: Path, scratch: Path, peer: int) -> dict[str, Any]:
        self.flush()
        size, checksum = write_snapshot(self.folder, target, scratch, peer, self.config, self.schema)
        when = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(target.stat().st_mtime))
        return {"name": target.name, "creation_time": when, "size": size, "checksum": checksum}

    # ---- requests

    def request(self, route: list[str], query: dict[str, str], raw: Raw) -> bytes:
        method, path = route[0], "/".join(route[1:])
        if name := writes.ROUTES.get((method, path)):
            return self._change(name, parse_object(raw, "PointsOperation"), query)
        if method == "POST" and route[1:] == ["points"]:
            self.strict.read(query)
            return reads.retrieve(self.shard, parse_object(raw, "PointRequest"))
        if method == "POST" and route[1] == "points":
            return self._read(path.removeprefix("points/"), raw, query)
        if method == "GET" and route[1:2] == ["points"]:
            self.strict.read(query)
            return reads.one_point(self.shard, route[2])
        if method == "PUT" and path == "index":
            return self._create_index(raw, query)
        if method == "DELETE" and route[1:2] == ["index"]:
            return self._delete_index(route[2], query)
        if method == "PATCH":
            self._use(patched(self.config, parse_object(raw, "UpdateCollection")))
            save(self.folder / "config.json", self.config)
            return b"true"
        if path == "cluster":
            return cluster_info(self.shard, int(query["peer"]))
        return collection_info(self.shard, self.config, self.schema)

    def _change(self, name: str, body: dict[str, Any], query: dict[str, str]) -> bytes:
        if query.get("ordering", "weak") not in ORDERINGS:
            text = refuse_variant(query["ordering"], ORDERINGS)
            raise ApiError(400, f"Deserialize error in query parameters: {text}")
        self.strict.write(query, writes.cost(name, body))
        if name == "upsert":
            self.strict.upsert(len(writes.rows_of(body)))
        self._check_filter(body.get("filter") or body.get("update_filter"), updating=True)
        return self._apply(writes.OPERATIONS[name](body, self.dims), query)

    def _check_filter(self, spec: Any, updating: bool = False) -> None:
        if spec:
            self.strict.filter(spec, self.schema, updating)
            plain_text_matches(spec, self.schema)

    def _apply(self, operation: Any, query: dict[str, str]) -> bytes:
        self.operation += 1
        if self.dirty_since is None:
            self.dirty_since = time.monotonic()
        self.shard.update(operation)
        status = b"completed" if query.get("wait") == "true" else b"acknowledged"
        return b'{"operation_id":%d,"status":"%s"}' % (self.operation, status)

    def _batch(self, body: dict[str, Any], query: dict[str, str]) -> bytes:
        done = []
        for one in body["operations"]:
            name, inner = next(iter(one.items()))
            if name not in writes.OPERATIONS:
                raise ApiError(400, "Format error in JSON body: " + refuse_variant(name, tuple(writes.OPERATIONS)))
            done.append(self._change(name, inner, query))
        return b"[" + b",".join(done) + b"]"

    def _read(self, kind: str, raw: Raw, query: dict[str, str]) -> bytes:
        struct = {"scroll": "ScrollRequest", "count": "CountRequest"}.get(kind, "QueryRequest")
        body = parse_object(raw, struct)
        if kind == "batch":
            return self._batch(body, query)
        self.strict.read(query)
        if kind in ("query/batch", "search/batch"):
            self.strict.batch(len(body["searches"]))
            return reads.dumps([self._query(one, "search" in kind) for one in body["searches"]])
        self._check_filter(body.get("filter"))
        if kind in LIMITED:
            struct = "scroll_request" if kind == "scroll" else "internal"
            body["limit"] = reads.limit_of(body, struct)
            self.strict.limit(body["limit"])
        match kind:
            case "scroll":
                try:
                    return reads.scroll(self.shard, body)
                except ApiError as failure:
                    if failure.message.endswith("or a UUID") and not body.get("filter"):
                        failure.message += at_value(raw, "offset", 1)
                    raise
            case "count":
                self.strict.exact(body.get("exact") is not False)
                return reads.count(self.shard, body)
            case "query/groups":
                return queries.groups(self.shard, body)
            case "facet":
                return reads.facet(self.shard, body)
            case _:
                return reads.dumps(self._query(body, kind == "search"))

    def _query(self, body: dict[str, Any], old: bool) -> Any:
        self.strict.exact((body.get("params") or {}).get("exact"))
        self._check_filter(body.get("filter"))
        found = queries.query(self.shard, queries.old_search(body) if old else body)
        return found if old else {"points": found}

    # ---- indexes

    def _create_index(self, raw: Raw, query: dict[str, str]) -> bytes:
        body = parse_object(raw, "CreateFieldIndex")
        field, schema = body["field_name"], body.get("field_schema")
        if schema is None:
            raise bad_request("Can't auto-detect field type, please specify `field_schema` in the request")
        if not isinstance(field, str) or not field:
            raise invalid("JSON body", "field_name: invalid")
        params = index_params(schema, raw)
        self.strict.write(query)
        if field not in self.schema:
            self.strict.indexes(len(self.schema))
        answer = self._apply(edge.UpdateOperation.create_field_index(field, params), query)
        self._keep_schema({**self.schema, field: schema})
        return answer

    def _delete_index(self, field: str, query: dict[str, str]) -> bytes:
        self.strict.write(query)
        answer = self._apply(edge.UpdateOperation.delete_field_index(field), query)
        self._keep_schema({name: schema for name, schema in self.schema.items() if name != field})
        return answer

    def _keep_schema(self, schema: dict[str, Any]) -> None:
        self.schema = schema
        save(self.folder / "payload_index.json", {"schema": schema})
