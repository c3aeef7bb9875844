"""Everything that changes points: JSON in, one engine operation out.

Upserts are the hot path. Parsing, building points and applying them cost about the same, so the common case (one
unnamed vector, plain lists) is one comprehension with its checks beside it, and only a refusal looks at points singly.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import qdrant_edge as edge

from errors import ApiError, format_error, from_engine, invalid, lacking, wrong_input
from filters import filter_of, point_id
from lacking import QUERY_KINDS

Update = edge.UpdateOperation
MODES = {
    "upsert": edge.UpdateMode.Upsert,
    "insert_only": edge.UpdateMode.InsertOnly,
    "update_only": edge.UpdateMode.UpdateOnly,
}


def named_vector(value: Any, name: str, dims: dict[str, int]) -> Any:
    """One vector in the engine's form. Sizes are checked here so that nothing of a refused request is applied."""
    if isinstance(value, dict):
        if "indices" in value:
            return edge.SparseVector(value["indices"], value["values"])
        lacking(QUERY_KINDS)
    if not isinstance(value, list):
        raise format_error("data did not match any variant of untagged enum VectorStruct")
    if name in dims:
        for row in value if value and isinstance(value[0], list) else [value]:
            if len(row) != dims[name]:
                raise wrong_input(f"Vector dimension error: expected dim: {dims[name]}, got {len(row)}")
    return value


def vector_of(value: Any, dims: dict[str, int]) -> Any:
    if isinstance(value, dict) and "indices" not in value:
        return {name: named_vector(one, name, dims) for name, one in value.items()}
    return named_vector(value, "", dims)


def rows_of(body: dict[str, Any]) -> list[dict[str, Any]]:
    """The points of an upsert as a list of objects, whichever of the two forms they came in."""
    if isinstance(body.get("points"), list):
        rows: list[dict[str, Any]] = body["points"]
        return rows
    batch = body.get("batch")
    if not isinstance(batch, dict):
        raise format_error("Invalid PointInsertOperations format")
    ids, vectors, payloads = batch["ids"], batch["vectors"], batch.get("payloads")
    if isinstance(vectors, dict):
        vectors = [dict(zip(vectors, row, strict=True)) for row in zip(*vectors.values(), strict=True)]
    for what, given in (("vectors", vectors), ("payloads", payloads)):
        if given is not None and len(given) != len(ids):
            text = f"number of ids and {what} must be equal ({len(ids)} != {len(given)})"
            raise invalid("JSON body", f"batch.batch: {text}")
    payloads = payloads or [None] * len(ids)
    return [{"id": i, "vector": v, "payload": p} for i, v, p in zip(ids, vectors, payloads, strict=True)]


def upsert(body: dict[str, Any], dims: dict[str, int]) -> Any:
    rows = rows_of(body)
    try:
        plain = {type(row["id"]) for row in rows} <= {int, str} and {type(row["vector"]) for row in rows} == {list}
        if plain and {len(row["vector"]) for row in rows} == {dims.get("")}:
            points = [edge.Point(row["id"], row["vector"], row.get("payload")) for row in rows]
        else:
            points = [_point(row, dims) for row in rows]
    except ApiError:
        raise
    except Exception:
        points = [_point(row, dims) for row in rows]
    mode = body.get("update_mode")
    if mode is not None and mode not in MODES:
        raise format_error(f"unknown variant `{mode}`, expected one of `upsert`, `insert_only`, `update_only`")
    condition = filter_of(body.get("update_filter"))
    return Update.upsert_points(points, condition, MODES[mode] if mode else None)


def _point(row: dict[str, Any], dims: dict[str, int]) -> edge.Point:
    for name in ("id", "vector"):
        if name not in row:
            raise format_error(f"missing field `{name}`")
    try:
        return edge.Point(point_id(row["id"]), vector_of(row["vector"], dims), row.get("payload"))
    except ApiError:
        raise
    except Exception as failure:
        raise from_engine(failure) from None


def _selected(body: dict[str, Any], by_ids: Callable[..., Any], by_filter: Callable[..., Any], *rest: Any) -> Any:
    """Most operations come in two forms, for a list of ids and for a filter."""
    if body.get("points") is not None:
        return by_ids([point_id(one) for one in body["points"]], *rest)
    if body.get("filter") is not None:
        return by_filter(filter_of(body["filter"]), *rest)
    raise format_error("Either list of point ids or filter must be provided")


def delete(body: dict[str, Any], dims: dict[str, int]) -> Any:
    try:
        return _selected(body, Update.delete_points, Update.delete_points_by_filter)
    except ApiError as failure:
        if failure.status != 400:
            raise
        raise format_error("data did not match any variant of untagged enum PointsSelector") from None


def update_vectors(body: dict[str, Any], dims: dict[str, int]) -> Any:
    rows = [edge.PointVectors(point_id(row["id"]), vector_of(row["vector"], dims)) for row in body["points"]]
    return Update.update_vectors(rows, filter_of(body.get("update_filter")))


def delete_vectors(body: dict[str, Any], dims: dict[str, int]) -> Any:
    return _selected(body, Update.delete_vectors, Update.delete_vectors_by_filter, body["vector"])


def set_payload(body: dict[str, Any], dims: dict[str, int]) -> Any:
    return _selected(body, Update.set_payload, Update.set_payload_by_filter, body["payload"], body.get("key"))


def overwrite_payload(body: dict[str, Any], dims: dict[str, int]) -> Any:
    rest = (body["payload"], body.get("key"))
    return _selected(body, Update.overwrite_payload, Update.overwrite_payload_by_filter, *rest)


def delete_payload(body: dict[str, Any], dims: dict[str, int]) -> Any:
    return _selected(body, Update.delete_payload, Update.delete_payload_by_filter, body["keys"])


def clear_payload(body: dict[str, Any], dims: dict[str, int]) -> Any:
    return _selected(body, Update.clear_payload, Update.clear_payload_by_filter)


Build = Callable[[dict[str, Any], dict[str, int]], Any]

# By the name a batch gives each of them.
OPERATIONS: dict[str, Build] = {
    "upsert": upsert,
    "delete": delete,
    "update_vectors": update_vectors,
    "delete_vectors": delete_vectors,
    "set_payload": set_payload,
    "overwrite_payload": overwrite_payload,
    "delete_payload": delete_payload,
    "clear_payload": clear_payload,
}
ROUTES: dict[tuple[str, str], str] = {
    ("PUT", "points"): "upsert",
    ("POST", "points/delete"): "delete",
    ("PUT", "points/vectors"): "update_vectors",
    ("POST", "points/vectors/delete"): "delete_vectors",
    ("POST", "points/payload"): "set_payload",
    ("PUT", "points/payload"): "overwrite_payload",
    ("POST", "points/payload/delete"): "delete_payload",
    ("POST", "points/payload/clear"): "clear_payload",
}


def cost(name: str, body: dict[str, Any]) -> int:
    """What an operation takes out of a write-rate bucket: a token a point for upserts, one for the rest."""
    return len(rows_of(body)) if name == "upsert" else 1
