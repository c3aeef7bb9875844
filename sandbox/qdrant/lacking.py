"""What this front does not do, in one place. The banner prints it, the routes answer 501 with it."""

from __future__ import annotations

FULL_SNAPSHOTS = "full storage snapshots"
SHARDING = "more than one shard, shard keys and shard snapshots"
CLUSTERING = "clustering"
QUERY_KINDS = "recommend, discover, context, formula, MMR and inference queries"
LOOKUP = "lookups in another collection"
BACKGROUND_HNSW = "background HNSW building (search is exact, indexed_vectors_count stays 0)"
QUANTIZED_SEARCH = "quantized search (the setting is kept and returned, vectors stay as they are)"
DISTANCE_MATRIX = "distance matrices"
VECTOR_DDL = "adding and dropping named vectors"
TOKENS = "JWT access tokens"

ALL = (
    CLUSTERING,
    FULL_SNAPSHOTS,
    SHARDING,
    BACKGROUND_HNSW,
    QUANTIZED_SEARCH,
    QUERY_KINDS,
    LOOKUP,
    DISTANCE_MATRIX,
    VECTOR_DDL,
    TOKENS,
)
