"""What a server says of itself: version, telemetry and metrics."""

from __future__ import annotations

import os
import time
import uuid
from pathlib import Path
from typing import Any

VERSION = "1.18.3"
TITLE = "qdrant - vector search engine"


def _status_field(name: str) -> int:
    try:
        for line in Path("/proc/self/status").read_text().splitlines():
            if line.startswith(name + ":"):
                return int(line.split()[1])
    except OSError:
        pass
    return 0


class Service:
    def __init__(self) -> None:
        self.id = str(uuid.uuid4())
        self.startup = time.strftime("%Y-%m-%dT%H:%M:%S.000Z", time.gmtime())
        self.responses: dict[str, dict[str, list[float]]] = {}

    def note(self, route: str, status: int, seconds: float) -> None:
        sums = self.responses.setdefault(route, {}).setdefault(str(status), [0, 0.0])
        sums[0] += 1
        sums[1] += seconds * 1e6

    def telemetry(self, collections: list[str], detailed: bool) -> dict[str, Any]:
        rest = {
            route: {status: {"count": n, "avg_duration_micros": total / n} for status, (n, total) in by_status.items()}
            for route, by_status in self.responses.items()
        }
        app: dict[str, Any] = {"name": "qdrant", "version": VERSION, "startup": self.startup}
        counts: dict[str, Any] = {"number_of_collections": len(collections)}
        cluster: dict[str, Any] = {"enabled": False, "resharding_enabled": False}
        answer = {
            "id": self.id,
            "app": app,
            "collections": counts,
            "cluster": cluster,
            "requests": {"rest": {"responses": rest}, "grpc": {"responses": {}}},
        }
        if detailed:
            none: dict[str, Any] = {}
            app |= {"features": none, "runtime_features": none, "system": none, "hnsw_global_config": none}
            app["low_memory_mode"] = "disabled"
            counts |= {"collections": [{"id": name} for name in collections], "snapshots": []}
            cluster["config"] = none
            memory = {f"{kind}_bytes": 0 for kind in ("active", "allocated", "metadata", "retained")}
            answer["memory"] = {**memory, "resident_bytes": _status_field("VmRSS") * 1024}
            answer |= {"hardware": none, "search_pool": none}
        return answer

    def metrics(self, collections: int) -> str:
        alive = 1 if collections else 0
        resident = _status_field("VmRSS") * 1024
        rows: list[tuple[str, str, str, object]] = [
            ("app_info", "information about qdrant server", "gauge", 1),
            ("app_status_recovery_mode", "features enabled in qdrant server", "gauge", 0),
            ("collections_total", "number of collections", "gauge", collections),
            ("collections_vector_total", "not counted", "gauge", 0),
            ("collection_active_replicas_min", "minimum number of active replicas", "gauge", alive),
            ("collection_active_replicas_max", "maximum number of active replicas", "gauge", alive),
            ("collection_dead_replicas", "number of dead replicas", "gauge", 0),
            ("cluster_enabled", "is cluster support enabled", "gauge", 0),
            ("memory_active_bytes", "not measured", "gauge", 0),
            ("memory_allocated_bytes", "not measured", "gauge", 0),
            ("memory_metadata_bytes", "not measured", "gauge", 0),
            ("memory_resident_bytes", "resident memory of the router process", "gauge", resident),
            ("memory_retained_bytes", "not measured", "gauge", 0),
            ("process_threads", "threads of the router process", "gauge", _status_field("Threads")),
            ("process_open_mmaps", "not measured", "gauge", 0),
            ("system_max_mmaps", "not measured", "gauge", 0),
            ("process_open_fds", "not measured", "gauge", 0),
            ("process_max_fds", "most open files", "gauge", os.sysconf("SC_OPEN_MAX")),
            ("process_minor_page_faults_total", "not measured", "counter", 0),
            ("process_major_page_faults_total", "not measured", "counter", 0),
        ]
        labels = {"app_info": f'{{name="qdrant",version="{VERSION}"}}'}
        return "".join(
            f"# HELP {name} {text}\n# TYPE {name} {kind}\n{name}{labels.get(name, '')} {value}\n"
            for name, text, kind, value in rows
        )
