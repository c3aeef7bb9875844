"""What a collection says of itself."""

from __future__ import annotations

from typing import Any

import qdrant_edge as edge

from reads import dumps


def collection_info(shard: edge.EdgeShard, config: dict[str, Any], schema: dict[str, Any]) -> bytes:
    info = shard.info()
    fields: dict[str, Any] = {}
    for field, kind in schema.items():
        known = info.payload_schema.get(field)
        entry = {"data_type": kind["type"], "params": kind} if isinstance(kind, dict) else {"data_type": kind}
        fields[field] = {**entry, "points": known.points if known else 0}
    return dumps(
        {
            "status": "green",
            "optimizer_status": "ok",
            "indexed_vectors_count": info.indexed_vectors_count,
            "points_count": info.points_count,
            "segments_count": info.segments_count,
            "config": {name: value for name, value in config.items() if name != "uuid"},
            "payload_schema": fields,
            "update_queue": {"length": 0},
        }
    )


def cluster_info(shard: edge.EdgeShard, peer: int) -> bytes:
    local = {"shard_id": 0, "points_count": shard.info().points_count, "state": "Active"}
    nothing: list[Any] = []
    answer = {"peer_id": peer, "shard_count": 1, "local_shards": [local]}
    return dumps({**answer, "remote_shards": nothing, "shard_transfers": nothing})
