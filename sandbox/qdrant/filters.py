"""Turns the JSON of ids, selectors and filters into the engine's objects."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from typing import Any

import numpy as np
import qdrant_edge as edge

from errors import bad_id, format_error, invalid

MAX_ID = 2**64 - 1
MATCHES = {
    "text": edge.MatchText,
    "text_any": edge.MatchTextAny,
    "phrase": edge.MatchPhrase,
    "substring": edge.MatchSubstring,
    "any": edge.MatchAny,
    "except": edge.MatchExcept,
}
FIELD_KEYS = (
    "match",
    "range",
    "geo_bounding_box",
    "geo_radius",
    "geo_polygon",
    "values_count",
    "is_empty",
    "is_null",
)


def point_id(value: Any) -> int | str:
    """The engine takes `True` for an id and reads only some spellings of a UUID, so ids are checked here."""
    if type(value) is int and 0 <= value <= MAX_ID:
        return value
    if isinstance(value, str):
        try:
            return str(uuid.UUID(value))
        except ValueError:
            pass
    raise bad_id(value)


def filter_of(spec: Any, where: str = "filter") -> edge.Filter | None:
    if spec is None:
        return None
    if not isinstance(spec, dict):
        raise format_error("data did not match any variant of untagged enum Filter")
    few = spec.get("min_should")
    return edge.Filter(
        must=_clause(spec, "must", where),
        should=_clause(spec, "should", where),
        must_not=_clause(spec, "must_not", where),
        min_should=few
        and edge.MinShould(_conditions(few["conditions"], f"{where}.min_should.conditions"), few["min_count"]),
    )


def _clause(spec: dict[str, Any], name: str, where: str) -> list[Any] | None:
    given = spec.get(name)
    return None if given is None else _conditions(given, f"{where}.{name}")


def _conditions(given: Any, where: str) -> list[Any]:
    if isinstance(given, dict):  # one condition may stand without a list
        given = [given]
    return [_condition(one, f"{where}[{place}]") for place, one in enumerate(given)]


def _condition(spec: dict[str, Any], where: str) -> Any:
    if not isinstance(spec, dict):
        raise format_error("data did not match any variant of untagged enum Condition")
    if "has_id" in spec:
        return edge.HasIdCondition({point_id(one) for one in spec["has_id"]})
    if "has_vector" in spec:
        return edge.HasVectorCondition(spec["has_vector"])
    if "nested" in spec:
        inner = filter_of(spec["nested"]["filter"], f"{where}.nested.filter")
        return edge.NestedCondition(spec["nested"]["key"], inner or edge.Filter())
    if "key" in spec:
        return _field(spec, where)
    if isinstance(spec.get("is_empty"), dict):
        return edge.IsEmptyCondition(spec["is_empty"]["key"])
    if isinstance(spec.get("is_null"), dict):
        return edge.IsNullCondition(spec["is_null"]["key"])
    if any(name in spec for name in ("must", "should", "must_not", "min_should")):
        return filter_of(spec, where)
    raise format_error("data did not match any variant of untagged enum Condition")


def _field(spec: dict[str, Any], where: str) -> edge.FieldCondition:
    if all(spec.get(name) is None for name in FIELD_KEYS):
        raise invalid(
            "JSON body", f"{where}.__all__: Validation error: At least one field condition must be specified [{{}}]"
        )
    box, radius, polygon = (spec.get(name) for name in ("geo_bounding_box", "geo_radius", "geo_polygon"))
    return edge.FieldCondition(
        spec["key"],
        match=_match(spec["match"]) if spec.get("match") is not None else None,
        range=_range(spec["range"]) if spec.get("range") is not None else None,
        geo_bounding_box=box and edge.GeoBoundingBox(_geo(box["top_left"]), _geo(box["bottom_right"])),
        geo_radius=radius and edge.GeoRadius(_geo(radius["center"]), radius["radius"]),
        geo_polygon=polygon and _polygon(polygon),
        values_count=spec.get("values_count") and edge.ValuesCount(**spec["values_count"]),
        is_empty=spec.get("is_empty"),
        is_null=spec.get("is_null"),
    )


def _match(spec: dict[str, Any]) -> Any:
    if "value" in spec:
        value = spec["value"]
        # A plain bool would be read as the integer 1 and match nothing; numpy's is read as what it is.
        told_apart: Any = np.bool_(value) if isinstance(value, bool) else value
        return edge.MatchValue(told_apart)
    for name, kind in MATCHES.items():
        if name in spec:
            return kind(spec[name])
    raise format_error("data did not match any variant of untagged enum Match")


def _range(spec: dict[str, Any]) -> Any:
    bounds = {name: spec[name] for name in ("gt", "gte", "lt", "lte") if spec.get(name) is not None}
    dates = any(isinstance(bound, str) for bound in bounds.values())
    return edge.RangeDateTime(**bounds) if dates else edge.RangeFloat(**bounds)


def _geo(spec: dict[str, float]) -> edge.GeoPoint:
    return edge.GeoPoint(spec["lon"], spec["lat"])


def _polygon(spec: dict[str, Any]) -> edge.GeoPolygon:
    return edge.GeoPolygon(_ring(spec["exterior"]), [_ring(ring) for ring in spec.get("interiors") or []])


def _ring(spec: dict[str, Any]) -> list[edge.GeoPoint]:
    return [_geo(point) for point in spec["points"]]


def payload_selector(spec: Any, default: bool) -> Any:
    if spec is None:
        return default
    if isinstance(spec, dict):
        if "include" in spec:
            return edge.PayloadSelector.Include(spec["include"])
        return edge.PayloadSelector.Exclude(spec["exclude"])
    return spec


def field_conditions(spec: Any, prefix: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
    """Every (full key, condition) below a filter, for the rules that count conditions or want an index for each."""
    if isinstance(spec, list):
        for one in spec:
            yield from field_conditions(one, prefix)
    elif isinstance(spec, dict):
        if "key" in spec:
            yield prefix + spec["key"], spec
        elif "nested" in spec:
            inner = spec["nested"]
            yield from field_conditions(inner.get("filter"), f"{prefix}{inner['key']}[].")
        else:
            for name in ("must", "should", "must_not", "conditions", "min_should"):
                yield from field_conditions(spec.get(name), prefix)


def plain_text_matches(spec: Any, schema: dict[str, Any]) -> None:
    """Without a text index a 1.18 server looks for the text as it stands; the newer engine would take it apart."""
    for key, condition in field_conditions(spec):
        match, known = condition.get("match"), schema.get(key)
        if isinstance(match, dict) and "text" in match and _kind(known) != "text":
            condition["match"] = {"substring": match["text"]}


def _kind(schema: Any) -> Any:
    return schema.get("type") if isinstance(schema, dict) else schema
