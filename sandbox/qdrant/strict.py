"""Strict mode: the limits a collection sets on its own callers."""

from __future__ import annotations

import math
import time
from typing import Any

from errors import ApiError, bad_request
from filters import field_conditions


def over(given: int, limit: int | None, what: str) -> None:
    if limit is not None and given > limit:
        raise bad_request(
            f'Limit exceeded {given} > {limit} for "{what}". Help: Reduce the "{what}" parameter to or below {limit}.'
        )


class Bucket:
    """A token bucket that refills within a minute."""

    def __init__(self, capacity: int, what: str) -> None:
        self.capacity, self.what = capacity, what
        self.tokens, self.seen = float(capacity), time.monotonic()

    def take(self, cost: int) -> None:
        now = time.monotonic()
        per_second = self.capacity / 60
        self.tokens = min(self.capacity, self.tokens + (now - self.seen) * per_second)
        self.seen = now
        start = f"Rate limiting exceeded: {self.what} rate limit exceeded"
        if cost > self.capacity:
            raise ApiError(429, f"{start}, request larger than rate limiter capacity, please try to split your request")
        if cost > self.tokens + 1e-9:
            wait = math.ceil((cost - self.tokens) / per_second - 0.1)
            have = f"{self.tokens:.1f}"
            raise ApiError(
                429,
                f"{start}: Operation requires {cost} tokens but only {have} were available. Retry after {wait}s",
                retry_after=wait,
            )
        self.tokens -= cost


class Strict:
    def __init__(self, config: dict[str, Any] | None, fresh: bool) -> None:
        self.rules = config if config and config.get("enabled") else {}
        reads, writes = self.rules.get("read_rate_limit"), self.rules.get("write_rate_limit")
        self.reads = Bucket(reads, "Read") if reads else None
        self.writes = Bucket(writes, "Write") if writes else None
        self.first_write = fresh

    def read(self, query: dict[str, str]) -> None:
        if self.reads:
            self.reads.take(1)
        self._timeout(query)

    def write(self, query: dict[str, str], cost: int = 1) -> None:
        if self.writes:
            self.writes.take(cost)
            if self.first_write:  # a server charges the first write to a new collection twice
                self.first_write = False
                self.writes.take(cost)
        self._timeout(query)

    def _timeout(self, query: dict[str, str]) -> None:
        if self.rules and query.get("timeout", "").isdigit():
            over(int(query["timeout"]), self.rules.get("max_timeout"), "timeout")

    def limit(self, given: int) -> None:
        if self.rules:
            over(given, self.rules.get("max_query_limit"), "limit")

    def batch(self, given: int) -> None:
        over(given, self.rules.get("search_max_batchsize"), "search batch size")

    def upsert(self, given: int) -> None:
        over(given, self.rules.get("upsert_max_batchsize"), "upsert limit")

    def indexes(self, present: int) -> None:
        limit = self.rules.get("max_payload_index_count")
        if limit is not None and present >= limit:
            raise bad_request(
                f"Collection already has the maximum number of payload indices ({limit}). "
                "Help: Please delete an existing index before creating a new one."
            )

    def exact(self, asked: Any) -> None:
        if asked and self.rules.get("search_allow_exact") is False:
            raise bad_request("Exact search disabled!. Help: Set exact=false.")

    def filter(self, spec: Any, schema: dict[str, Any], updating: bool = False) -> None:
        if not self.rules or not spec:
            return
        conditions = list(field_conditions(spec))
        over(len(conditions), self.rules.get("filter_max_conditions"), "filter_max_conditions")
        if self.rules.get("unindexed_filtering_update" if updating else "unindexed_filtering_retrieve") is not False:
            return
        for key, condition in conditions:
            wanted = wanted_types(condition)
            present = schema.get(key)
            kind = present.get("type") if isinstance(present, dict) else present
            if wanted and kind not in wanted:
                raise bad_request(
                    f'Index required but not found for "{key}" of one of the following types: [{", ".join(wanted)}]. '
                    "Help: Create an index for this key or use a different filter."
                )


def wanted_types(condition: dict[str, Any]) -> list[str]:
    match, bounds = condition.get("match"), condition.get("range")
    if match:
        if "text" in match or "phrase" in match or "text_any" in match:
            return ["text"]
        value = next(iter(match.values()))
        if isinstance(value, list):
            value = value[0] if value else ""
        return ["bool"] if isinstance(value, bool) else ["integer"] if isinstance(value, int) else ["keyword"]
    if bounds:
        return ["datetime"] if any(isinstance(bound, str) for bound in bounds.values()) else ["integer", "float"]
    return ["geo"] if any(name.startswith("geo_") for name in condition) else []
