"""The files in the snapshots folder: naming, listing, serving and deleting them."""

from __future__ import annotations

import re
import time
from pathlib import Path
from typing import Any
from wsgiref.handlers import format_date_time

from errors import format_error, invalid, not_found
from wire import FileSlice, Request, Response, file_tag

PRIORITIES = ("no_sync", "snapshot", "replica")


def new_name(collection: str, peer: int) -> str:
    return f"{collection}-{peer}-{time.strftime('%Y-%m-%d-%H-%M-%S', time.gmtime())}.snapshot"


def describe(path: Path) -> dict[str, Any]:
    status = path.stat()
    when = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(status.st_mtime))
    entry: dict[str, Any] = {"name": path.name, "creation_time": when, "size": status.st_size}
    checksum = path.with_name(path.name + ".checksum")
    if checksum.exists():
        entry["checksum"] = checksum.read_text()
    return entry


def listing(folder: Path) -> list[dict[str, Any]]:
    if not folder.is_dir():
        return []
    return [describe(path) for path in sorted(folder.glob("*.snapshot")) if not path.name.startswith(".")]


def find(folder: Path, name: str) -> Path:
    """Only what lies in the collection's own folder, whichever way the name is written."""
    path = (folder / name).resolve()
    if path.parent != folder.resolve() or not path.is_file():
        raise not_found(f"Snapshot {name} not found")
    return path


def remove(folder: Path, name: str) -> None:
    path = find(folder, name)
    path.unlink()
    path.with_name(path.name + ".checksum").unlink(missing_ok=True)


def download(folder: Path, name: str, request: Request) -> Response:
    path = find(folder, name)
    tag, status = file_tag(path)
    size = status.st_size
    headers = {
        "etag": tag,
        "last-modified": format_date_time(status.st_mtime),
        "accept-ranges": "bytes",
        "content-disposition": f'attachment; filename="{path.name}"',
    }
    kind = "application/octet-stream"
    wanted = request.headers.get("range")
    if wanted and request.headers.get("if-range", tag) == tag:
        part = _part(wanted, size)
        if part is None:
            return Response(416, b"", kind, {**headers, "content-range": f"bytes */{size}"})
        start, length = part
        headers["content-range"] = f"bytes {start}-{start + length - 1}/{size}"
        return Response(206, FileSlice(path, start, length), kind, headers)
    return Response(200, FileSlice(path, 0, size), kind, headers)


def _part(header: str, size: int) -> tuple[int, int] | None:
    found = re.fullmatch(r"bytes=(\d*)-(\d*)", header.strip())
    if not found or found.group() == "bytes=-":
        return 0, size
    first, last = found.groups()
    start = int(first) if first else max(size - int(last), 0)
    end = min(int(last), size - 1) if first and last else size - 1
    return (start, end - start + 1) if start <= end else None


def check_checksum(given: Any, where: str) -> None:
    if given is not None and not re.fullmatch(r"[0-9a-fA-F]{64}", str(given).strip()):
        detail = f'{{"value": String("{given}"), "expected_length": Number(64), "length": Number({len(str(given))})}}'
        raise invalid(where, f"checksum: Validation error: invalid_sha256_hash [{detail}]")


def check_location(location: Any, where: str) -> None:
    if not isinstance(location, str):
        raise format_error("missing field `location`")
    if not re.match(r"[A-Za-z][A-Za-z0-9+.-]*:", location):
        raise format_error(f'relative URL without a base: "{location}"{where}')
