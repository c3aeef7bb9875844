"""Copies one collection from one Qdrant to another with the vendor's own client, and prints how long that took.

Reads one JSON object on stdin, so that keys are in no process list: {"source": {url, api_key}, "target": {...},
"collection": NAME}.
"""

import json
import sys
import time
import warnings

from qdrant_client import QdrantClient

warnings.filterwarnings("ignore", message="Api key is used with an insecure connection")
task = json.load(sys.stdin)
source, target = (
    QdrantClient(**task[side], timeout=120, check_compatibility=False) for side in ("source", "target")
)
started = time.perf_counter()
source.migrate(target, [task["collection"]])
seconds = time.perf_counter() - started
count = target.count(task["collection"], exact=True).count
print(json.dumps({"seconds": seconds, "count": count}))
