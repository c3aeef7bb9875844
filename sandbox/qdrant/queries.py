"""Searches: what a query's JSON asks for, and its answer."""

from __future__ import annotations

from typing import Any

import qdrant_edge as edge

from errors import lacking, not_found
from filters import filter_of, payload_selector, point_id
from lacking import LOOKUP, QUERY_KINDS
from reads import Body, dumps, limit_of, order_by, records, scored
from writes import named_vector


class _Plan:
    """What a query's JSON asks for, in the engine's terms."""

    def __init__(self, shard: edge.EdgeShard, body: Body) -> None:
        if body.get("lookup_from") is not None:
            lacking(LOOKUP)
        self.filter = filter_of(body.get("filter"))
        self.using = body.get("using") or None
        self.query: Any = self._scoring(shard, body.get("query"))
        params = body.get("params") or {}
        self.params: edge.SearchParams = edge.SearchParams(
            hnsw_ef=params.get("hnsw_ef"),
            exact=bool(params.get("exact")),
            indexed_only=bool(params.get("indexed_only")),
        )
        given = body.get("prefetch") or []
        given = [given] if isinstance(given, dict) else given
        plans: list[tuple[Body, _Plan]] = [(one, _Plan(shard, one)) for one in given]
        self.prefetches: list[edge.Prefetch] = [
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
            return order_by(query["order_by"])
        if query.get("sample") == "random":
            return edge.Sample.Random
        return lacking(QUERY_KINDS)

    def _stored(self, shard: edge.EdgeShard, wanted: int | str) -> Any:
        """A query by id searches with that point's vector and leaves the point itself out."""
        found = shard.retrieve([wanted], False, True)
        if not found:
            raise not_found(f"No point with id {wanted} found")
        vector: Any = found[0].vector
        if isinstance(vector, dict):
            vector = vector.get(self.using or "")
        if vector is None:
            raise not_found(f"Point {wanted} does not have vector {self.using or ''}")
        inside: list[Any] | None = [self.filter] if self.filter else None
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
    answer = []
    for key, bucket in buckets.items():
        hits = [{**row, **extra[row["id"]]} for row in scored(bucket, False, False)]
        answer.append({"hits": hits, "id": key})
    return dumps({"groups": answer})


def _keys(payload: Any, field: str) -> list[Any]:
    for part in field.split("."):
        payload = payload.get(part) if isinstance(payload, dict) else None
    found = payload if isinstance(payload, list) else [payload]
    return [key for key in found if isinstance(key, (str, int)) and not isinstance(key, bool)]
