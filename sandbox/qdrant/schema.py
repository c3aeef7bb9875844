"""What a collection is made of: defaults, checks, changes, and the engine's form of it."""

from __future__ import annotations

import copy
import re
from typing import Any

import qdrant_edge as edge

from errors import ApiError, Raw, at_value, format_error, internal, invalid, lacking, wrong_input
from lacking import SHARDING

DISTANCES = {name: getattr(edge.Distance, name) for name in ("Cosine", "Euclid", "Dot", "Manhattan")}
DATATYPES = {
    "float32": edge.VectorStorageDatatype.Float32,
    "float16": edge.VectorStorageDatatype.Float16,
    "uint8": edge.VectorStorageDatatype.Uint8,
}
HNSW = {"m": 16, "ef_construct": 100, "full_scan_threshold": 10000, "max_indexing_threads": 0, "on_disk": False}
OPTIMIZER: dict[str, Any] = {
    "deleted_threshold": 0.2,
    "vacuum_min_vector_number": 1000,
    "default_segment_number": 0,
    "max_segment_size": None,
    "memmap_threshold": None,
    "indexing_threshold": 10000,
    "flush_interval_sec": 5,
    "max_optimization_threads": None,
    "prevent_unoptimized": None,
}
WAL = {"wal_capacity_mb": 32, "wal_segments_ahead": 0, "wal_retain_closed": 1}
INDEX_TYPES = {
    "keyword": edge.KeywordIndexParams,
    "integer": edge.IntegerIndexParams,
    "float": edge.FloatIndexParams,
    "geo": edge.GeoIndexParams,
    "bool": edge.BoolIndexParams,
    "datetime": edge.DatetimeIndexParams,
    "uuid": edge.UuidIndexParams,
    "text": edge.TextIndexParams,
}
PLACEHOLDER = "placeholder"


def check_name(name: str, storage: str) -> None:
    if not 1 <= len(name.encode()) <= 255:
        raise invalid("path parameters", f'collection_name: value "{name}" invalid, must be from 1 to 255 characters')
    bad = re.search(r'[<>:"/\\|?*\0\x1f]', name)
    if bad:
        raise invalid("path parameters", f'collection_name: collection name cannot contain "{bad.group()}" char')
    if name in (".", ".."):
        raise internal(f"Invalid path to delete: {storage}/collections/{name}")


def _merged(defaults: dict[str, Any], given: Any) -> dict[str, Any]:
    return {**defaults, **{key: value for key, value in (given or {}).items() if value is not None}}


def new_config(body: dict[str, Any], raw: Raw) -> dict[str, Any]:
    """The configuration as it is kept, returned and put into snapshots: given values over the server's defaults."""
    vectors = body.get("vectors")
    for path, params in _vector_params(vectors):
        size, distance = (params.get("size"), params.get("distance")) if isinstance(params, dict) else (None, None)
        if not isinstance(size, int) or size < 1 or distance not in DISTANCES:
            where = at_value(raw, "vectors", 1)
            raise format_error("data did not match any variant of untagged enum VectorsConfig" + where)
        if size > 65536:
            raise invalid("JSON body", f"{path}.size: value {size} invalid, must be from 1 to 65536")
    if (body.get("shard_number") or 1) != 1 or body.get("sharding_method") == "custom":
        lacking(SHARDING)
    params = {
        "vectors": vectors if vectors is not None else {},
        "shard_number": 1,
        "replication_factor": body.get("replication_factor") or 1,
        "write_consistency_factor": body.get("write_consistency_factor") or 1,
        "on_disk_payload": body["on_disk_payload"] if body.get("on_disk_payload") is not None else True,
    }
    if body.get("sparse_vectors"):
        params["sparse_vectors"] = body["sparse_vectors"]
    config: dict[str, Any] = {
        "params": params,
        "hnsw_config": _merged(HNSW, body.get("hnsw_config")),
        "optimizer_config": _merged(OPTIMIZER, body.get("optimizers_config") or body.get("optimizer_config")),
        "wal_config": _merged(WAL, body.get("wal_config")),
        "quantization_config": body.get("quantization_config"),
    }
    for name in ("strict_mode_config", "metadata"):
        if body.get(name) is not None:
            config[name] = body[name]
    engine_config(config)  # refuses here what the engine would refuse later
    return config


def _vector_params(vectors: Any) -> list[tuple[str, Any]]:
    if vectors is None:
        return []
    if isinstance(vectors, dict) and not ("size" in vectors and not isinstance(vectors["size"], dict)):
        return [(f"vectors.{name}", params) for name, params in vectors.items()]
    return [("vectors", vectors)]


def patched(config: dict[str, Any], body: dict[str, Any]) -> dict[str, Any]:
    config = copy.deepcopy(config)
    known = {**vector_map(config), **(config["params"].get("sparse_vectors") or {})}
    for kind in ("vectors", "sparse_vectors"):
        for name, change in (body.get(kind) or {}).items():
            if name not in known:
                raise wrong_input(f"Not existing vector name error: {name}")
            known[name].update(change)
    for given, kept in (
        ("optimizers_config", "optimizer_config"),
        ("hnsw_config", "hnsw_config"),
        ("params", "params"),
        ("strict_mode_config", "strict_mode_config"),
        ("metadata", "metadata"),
    ):
        change = {key: value for key, value in (body.get(given) or {}).items() if value is not None}
        if change:
            config[kept] = {**(config.get(kept) or {}), **change}
    if body.get("quantization_config") is not None:
        chosen = body["quantization_config"]
        config["quantization_config"] = None if chosen == "Disabled" else chosen
    return config


def vector_map(config: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """Dense vectors by name; the unnamed one has the empty name."""
    vectors = config["params"].get("vectors") or {}
    return {"": vectors} if isinstance(vectors.get("size"), int) else vectors


def engine_config(config: dict[str, Any]) -> edge.EdgeConfig:
    dense = {name: _dense(params) for name, params in vector_map(config).items()}
    given = config["params"].get("sparse_vectors") or {}
    sparse = {name: _sparse(params or {}) for name, params in given.items()}
    if not dense and not sparse:
        sparse = {PLACEHOLDER: edge.EdgeSparseVectorParams()}  # dropped again as soon as the shard is there
    hnsw, optimizer = config["hnsw_config"], config["optimizer_config"]
    return edge.EdgeConfig(
        vectors=dense[""] if "" in dense else dense or None,
        sparse_vectors=sparse or None,
        on_disk_payload=config["params"].get("on_disk_payload"),
        hnsw_config=edge.HnswIndexConfig(
            **{key: hnsw.get(key) for key in ("m", "ef_construct", "full_scan_threshold", "on_disk", "payload_m")}
        ),
        optimizers=edge.EdgeOptimizersConfig(
            deleted_threshold=optimizer.get("deleted_threshold"),
            vacuum_min_vector_number=optimizer.get("vacuum_min_vector_number"),
            indexing_threshold=optimizer.get("indexing_threshold"),
        ),
    )


def _dense(params: dict[str, Any]) -> edge.EdgeVectorParams:
    datatype = params.get("datatype")
    if datatype is not None and datatype not in DATATYPES:
        raise ApiError(501, f"Not implemented: vectors of type {datatype}")
    many = params.get("multivector_config")
    return edge.EdgeVectorParams(
        params["size"],
        DISTANCES[params["distance"]],
        on_disk=params.get("on_disk"),
        multivector_config=many and edge.MultiVectorConfig(edge.MultiVectorComparator.MaxSim),
        datatype=datatype and DATATYPES[datatype],
    )


def _sparse(params: dict[str, Any]) -> edge.EdgeSparseVectorParams:
    index = params.get("index") or {}
    return edge.EdgeSparseVectorParams(
        full_scan_threshold=index.get("full_scan_threshold"),
        on_disk=index.get("on_disk"),
        modifier=edge.Modifier.Idf if params.get("modifier") == "idf" else None,
    )


def index_params(schema: Any, raw: Raw = b"") -> Any:
    """A payload index in the engine's form, from either spelling: a bare type or an object with parameters."""
    kind = schema.get("type") if isinstance(schema, dict) else schema
    if not isinstance(kind, str) or kind not in INDEX_TYPES:
        raise format_error(
            "data did not match any variant of untagged enum PayloadFieldSchema" + at_value(raw, "field_schema", 1)
        )
    given = {key: value for key, value in (schema if isinstance(schema, dict) else {}).items() if key != "type"}
    if kind == "text":
        if "tokenizer" in given:
            given["tokenizer"] = getattr(edge.TokenizerType, given["tokenizer"].capitalize())
        if "stemmer" in given or "stopwords" in given:
            raise ApiError(501, "Not implemented: stemmers and stop words of a text index")
    return INDEX_TYPES[kind](**given)


def vectors_in_words(config: dict[str, Any]) -> str:
    """The vectors of a configuration the way a server's error message writes them."""
    named = vector_map(config)
    if set(named) == {""}:
        return f"Single({_in_words(named[''])})"
    return "Multi({" + ", ".join(f'"{name}": {_in_words(params)}' for name, params in sorted(named.items())) + "})"


def _in_words(params: dict[str, Any]) -> str:
    optional = ("hnsw_config", "quantization_config", "on_disk", "datatype", "multivector_config")
    shown = {name: None if params.get(name) is None else f"Some({params[name]})" for name in optional}
    rest = ", ".join(f"{name}: {value}" for name, value in shown.items())
    return f"VectorParams {{ size: {params['size']}, distance: {params['distance']}, {rest} }}"
