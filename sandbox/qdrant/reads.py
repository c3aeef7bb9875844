"""Everything that reads points: JSON in, finished JSON out.

Vectors come from the engine as doubles that hold floats. Packing them into float32 first makes the text the short one
that a Qdrant server prints, and is twice as quick through `struct` as through numpy's own conversion.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable
from functools import lru_cache
from typing import Any

import numpy as np
import orjson
import qdrant_edge as edge

from errors import ApiError, format_error, invalid, lacking, not_found
from filters import filter_of, payload_selector, point_id
from lacking import LOOKUP, QUERY_KINDS
from writes import named_vector

Body = dict[str, Any]


@lru_cache(maxsize=64)
def _packer(length: int) -> struct.Struct:
    return struct.Struct(f"{length}f")


def _floats(values: list[float]) -> Any:
    try:
        return np.frombuffer(_packer(len(values)).pack(*values), dtype=np.float32)
    except OverflowError:
        return np.array(values, dtype=np.float32)


def _vector(value: Any) -> Any:
    if isinstance(value, list):
        return [_floats(row) for row in value] if value and isinstance(value[0], list) else _floats(value)
    if isinstance(value, dict):
        return {name: _vector(one) for name, one in value.items()}
    if isinstance(value, edge.SparseVector):
        return {"indices": value.indices, "values": _floats(value.values)}
    return value


def dumps(value: Any) -> bytes:
    return orjson.dumps(value, option=orjson.OPT_SERIALIZE_NUMPY)


def records(found: Iterable[Any], payload: Any, vector: Any) -> list[Body]:
    if not payload and not vector:
        return [{"id": one.id} for one in found]
    if payload and vector:
        return [{"id": one.id, "payload": one.payload, "vector": _vector(one.vector)} for one in found]
    if payload:
        return [{"id": one.id, "payload": one.payload} for one in found]
    return [{"id": one.id, "vector": _vector(one.vector)} for one in found]


def scored(found: Iterable[Any], payload: Any, vector: Any) -> list[Body]:
    rows = []
    for one in found:
        row = {"id": one.id, "version": one.version, "score": np.float32(one.score)}
        if payload:
            row["payload"] = one.payload
        if vector:
            row["vector"] = _vector(one.vector)
        rows.append(row)
    return rows


def retrieve(shard: edge.EdgeShard, body: Body) -> bytes:
    payload, vector = payload_selector(body.get("with_payload"), False), body.get("with_vector") or False
    ids = list(dict.fromkeys(point_id(one) for one in body["ids"]))
    return dumps(records(shard.retrieve(ids, payload, vector), payload, vector))


def one_point(shard: edge.EdgeShard, text: str) -> bytes:
    try:
        wanted = point_id(int(text) if text.isdigit() else text)
    except ApiError:
        raise ApiError(400, f'Wrong input: Can not recognize "{text}" as point id') from None
    found = shard.retrieve([wanted], True, True)
    if not found:
        raise not_found(f"Point with id {wanted} does not exists!")
    return dumps(records(found, True, True)[0])


def scroll(shard: edge.EdgeShard, body: Body) -> bytes:
    payload, vector = payload_selector(body.get("with_payload"), True), body.get("with_vector") or False
    order, offset = body.get("order_by"), body.get("offset")
    found, after = shard.scroll(
        edge.ScrollRequest(
            offset=None if offset is None else point_id(offset),
            limit=body["limit"],
            filter=filter_of(body.get("filter"), "scroll_request.filter"),
            with_payload=payload,
            with_vector=vector,
            order_by=None if order is None else _order_by(order),
        )
    )
    rows = records(found, payload, vector)
    if order is not None:
        for row, one in zip(rows, found):
            row["order_value"] = one.order_value
        after = None
    return dumps({"points": rows, "next_page_offset": after})


def _order_by(spec: Any) -> edge.OrderBy:
    spec = {"key": spec} if isinstance(spec, str) else spec
    direction = spec.get("direction")
    return edge.OrderBy(
        spec["key"],
        direction=direction and getattr(edge.Direction, direction.capitalize()),
        start_from=spec.get("start_from"),
    )


def count(shard: edge.EdgeShard, body: Body) -> bytes:
    exact = body.get("exact") is not False
    return dumps({"count": shard.count(edge.CountRequest(exact=exact, filter=filter_of(body.get("filter"))))})


def facet(shard: edge.EdgeShard, body: Body) -> bytes:
    request = edge.FacetRequest(
        body["key"],
        limit=body.get("limit") or 10,
        exact=bool(body.get("exact")),
        filter=filter_of(body.get("filter")),
    )
    return dumps({"hits": [{"value": hit.value, "count": hit.count} for hit in shard.facet(request)]})


# ---- queries


class _Plan:
    """What a query's JSON asks for, in the engine's terms."""

    def __init__(self, shard: edge.EdgeShard, body: Body) -> None:
        if body.get("lookup_from") is not None:
            lacking(LOOKUP)
        self.filter = filter_of(body.get("filter"))
        self.using = body.get("using") or None
        self.query = self._scoring(shard, body.get("query"))
        given = body.get("prefetch") or []
        plans = [(one, _Plan(shard, one)) for one in ([given] if isinstance(given, dict) else given)]
        self.prefetches = [
            edge.Prefetch(
                limit=one.get("limit") or 10,
                query=plan.query,
                prefetches=plan.prefetches or None,
                params=plan.params,
                filter=plan.filter,
                score_threshold=one.get("score_threshold"),
            )
            for one, plan in plans
        ]
        params = body.get("params") or {}
        self.params = edge.SearchParams(
            hnsw_ef=params.get("hnsw_ef"),
            exact=bool(params.get("exact")),
            indexed_only=bool(params.get("indexed_only")),
        )

    def _scoring(self, shard: edge.EdgeShard, query: Any) -> Any:
        if query is None:
            return None
        if isinstance(query, dict) and "nearest" in query:
            if query.get("mmr") is not None:
                lacking(QUERY_KINDS)
            query = query["nearest"]
        if isinstance(query, (int, str)):
            return edge.Query.Nearest(self._stored(shard, point_id(query)), self.using)
        if isinstance(query, list) or "indices" in query:
            return edge.Query.Nearest(named_vector(query, "-", {}), self.using)
        if query.get("fusion") == "rrf" or "rrf" in query:
            return edge.Fusion.Rrf(k=(query.get("rrf") or {}).get("k") or 2)
        if query.get("fusion") == "dbsf":
            return edge.Fusion.Dbsf()
        if "order_by" in query:
            return _order_by(query["order_by"])
        if query.get("sample") == "random":
            return edge.Sample.Random
        return lacking(QUERY_KINDS)

    def _stored(self, shard: edge.EdgeShard, wanted: int | str) -> Any:
        """A query by id searches with that point's vector and leaves the point itself out."""
        found = shard.retrieve([wanted], False, True)
        if not found:
            raise not_found(f"No point with id {wanted} found")
        vector = found[0].vector
        if isinstance(vector, dict):
            vector = vector.get(self.using or "")
        if vector is None:
            raise not_found(f"Point {wanted} does not have vector {self.using or ''}")
        inside = [self.filter] if self.filter else None
        self.filter = edge.Filter(must=inside, must_not=[edge.HasIdCondition({wanted})])
        return vector


def _run(shard: edge.EdgeShard, body: Body, limit: int, payload: Any, vector: Any) -> list[Any]:
    plan = _Plan(shard, body)
    return shard.query(
        edge.QueryRequest(
            limit=limit,
            offset=body.get("offset"),
            query=plan.query,
            prefetches=plan.prefetches or None,
            with_vector=vector,
            with_payload=payload,
            filter=plan.filter,
            score_threshold=body.get("score_threshold"),
            params=plan.params,
        )
    )


def query(shard: edge.EdgeShard, body: Body) -> list[Body]:
    payload, vector = payload_selector(body.get("with_payload"), False), body.get("with_vector") or False
    return scored(_run(shard, body, limit_of(body), payload, vector), payload, vector)


def limit_of(body: Body, struct_name: str = "internal") -> int:
    limit = body.get("limit")
    if limit is None:
        return 10
    if not isinstance(limit, int) or isinstance(limit, bool) or limit < 0:
        raise format_error(f"invalid value for `limit`: {limit}")
    if limit < 1:
        raise invalid("JSON body", f"{struct_name}.limit: value 0 invalid, must be 1 or larger")
    return limit


def old_search(body: Body) -> Body:
    """The body of a `search` as the query that replaced it."""
    vector, rest = body["vector"], {name: value for name, value in body.items() if name not in ("vector", "filter")}
    if isinstance(vector, dict) and "name" in vector:
        rest["using"], vector = vector["name"], vector["vector"]
    return {**rest, "query": vector, "filter": body.get("filter")}


def groups(shard: edge.EdgeShard, body: Body) -> bytes:
    """Best groups first, each with its best hits. The ranking is read whole: exact, and quick enough here."""
    field, most, size = body["group_by"], limit_of(body), body.get("group_size") or 3
    everything = max(shard.count(edge.CountRequest(exact=True)), 1)
    buckets: dict[Any, list[Any]] = {}
    for hit in _run(shard, body, everything, edge.PayloadSelector.Include([field]), False):
        for key in _keys(hit.payload, field):
            if key in buckets or len(buckets) < most:
                bucket = buckets.setdefault(key, [])
                if len(bucket) < size:
                    bucket.append(hit)
    payload, vector = payload_selector(body.get("with_payload"), True), body.get("with_vector") or False
    ids = [hit.id for bucket in buckets.values() for hit in bucket]
    extra = {row["id"]: row for row in records(shard.retrieve(ids, payload, vector), payload, vector)}
    hits = {key: [{**row, **extra[row["id"]]} for row in scored(bucket, False, False)] for key, bucket in buckets.items()}
    return dumps({"groups": [{"hits": rows, "id": key} for key, rows in hits.items()]})


def _keys(payload: Any, field: str) -> list[Any]:
    for part in field.split("."):
        payload = payload.get(part) if isinstance(payload, dict) else None
    found = payload if isinstance(payload, list) else [payload]
    return [key for key in found if isinstance(key, (str, int)) and not isinstance(key, bool)]

