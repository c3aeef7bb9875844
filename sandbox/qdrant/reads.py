"""Reading points by id, page and count: JSON in, finished JSON out.

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

from errors import ApiError, format_error, invalid, not_found
from filters import filter_of, payload_selector, point_id

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
    ids: list[Any] = list(dict.fromkeys(point_id(one) for one in body["ids"]))
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
            order_by=None if order is None else order_by(order),
        )
    )
    rows = records(found, payload, vector)
    if order is not None:
        for row, one in zip(rows, found, strict=True):
            row["order_value"] = one.order_value
        after = None
    return dumps({"points": rows, "next_page_offset": after})


def order_by(spec: Any) -> edge.OrderBy:
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


def limit_of(body: Body, struct_name: str = "internal") -> int:
    limit = body.get("limit")
    if limit is None:
        return 10
    if not isinstance(limit, int) or isinstance(limit, bool) or limit < 0:
        raise format_error(f"invalid value for `limit`: {limit}")
    if limit < 1:
        raise invalid("JSON body", f"{struct_name}.limit: value 0 invalid, must be 1 or larger")
    return limit
