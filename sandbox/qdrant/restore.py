"""Fetching, checking and unpacking a snapshot into a folder of its own.

Nothing of an existing collection is touched here: the router puts the folder in place once this has succeeded.
"""

from __future__ import annotations

import hashlib
import mmap
import re
import shutil
import urllib.error
import urllib.request
from http import HTTPStatus
from http.client import HTTPException
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import orjson

from archive import READ, Malformed, unpack, unpack_segments
from errors import ApiError, bad_request, forbidden, internal, lacking, wrong_input
from lacking import SHARDING
from schema import engine_config, vector_map, vectors_in_words


def fetch(location: str, api_key: str | None, snapshots: Path, folder: Path) -> tuple[Path, str, bool]:
    """The archive as a file, its SHA-256, and whether it came whole."""
    url = urlsplit(location)
    if url.scheme == "file":
        return _local(Path(unquote(url.path)), snapshots)
    if url.scheme not in ("http", "https"):
        raise bad_request(f"URL {location} with scheme {url.scheme} is not supported")
    target, digest = folder / "download", hashlib.sha256()
    request = urllib.request.Request(location, headers={"api-key": api_key} if api_key else {})
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(request, timeout=60) as answer, target.open("wb") as file:
            while chunk := answer.read(READ):
                digest.update(chunk)
                file.write(chunk)
            whole = answer.length in (None, 0)
    except urllib.error.HTTPError as failure:
        status = f"{failure.code} {HTTPStatus(failure.code).phrase}"
        raise wrong_input(f"Failed to download tar from {location}: status - {status}") from None
    except HTTPException:
        whole = False
    except OSError as failure:
        raise internal(f"error sending request for url ({location}): {failure}") from None
    return target, digest.hexdigest(), whole


def _local(path: Path, snapshots: Path) -> tuple[Path, str, bool]:
    if not path.is_file():
        raise bad_request(f'Snapshot file "{path}" does not exist')
    if not path.resolve().is_relative_to(snapshots.resolve()):
        raise forbidden(f'Snapshot file path must be inside the snapshots directory "{snapshots}"')
    return path, file_hash(path), True


def file_hash(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest() if hasattr(hashlib, "file_digest") else _slow_hash(path)


def _slow_hash(path: Path) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while chunk := file.read(READ):
            digest.update(chunk)
    return digest.hexdigest()


def take_upload(spooled: Path, content_type: str, snapshots: Path, checksum: str | None) -> Path:
    """Cuts the part `snapshot` out of a multipart body and files it under the name the client gave it."""
    boundary = re.search(r'boundary="?([^";]+)', content_type)
    size = spooled.stat().st_size
    if not boundary or not size:
        raise ApiError(400, "Required field is missing: snapshot", plain=True)
    mark = b"--" + boundary.group(1).encode()
    with spooled.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as body:
        at = body.find(mark)
        while at >= 0:
            head_end = body.find(b"\r\n\r\n", at)
            after = body.find(b"\r\n" + mark, head_end)
            head = body[at : max(head_end, at)].decode("utf-8", "replace")
            if head_end < 0 or after < 0:
                break
            if re.search(r'[; ]name="snapshot"', head):
                return _file_part(body, head_end + 4, after, head, snapshots, checksum)
            at = after + 2
    raise ApiError(400, "Required field is missing: snapshot", plain=True)


def _file_part(body: mmap.mmap, start: int, end: int, head: str, snapshots: Path, checksum: str | None) -> Path:
    given = re.search(r'filename="([^"]*)"', head)
    name = Path(given.group(1)).name if given else "upload.snapshot"
    digest = hashlib.sha256()
    snapshots.mkdir(parents=True, exist_ok=True)
    partial = snapshots / f".{name}.partial"
    with partial.open("wb") as out, memoryview(body) as view:
        for at in range(start, end, READ):
            with view[at : min(at + READ, end)] as chunk:
                out.write(chunk)
                if checksum:
                    digest.update(chunk)
    if checksum and digest.hexdigest() != checksum.strip().lower():
        partial.unlink()
        # A server names the two the wrong way round; what it calls expected is what it computed.
        raise ApiError(400, f"Checksum mismatch: expected {digest.hexdigest()}, actual {checksum}")
    target = snapshots / name
    target.with_name(name + ".checksum").unlink(missing_ok=True)
    partial.replace(target)
    return target


def unpack_collection(archive: Path, folder: Path, how: str, old: dict[str, Any] | None) -> None:
    """Unpacks into `folder` and refuses what cannot replace a collection configured as `old`."""
    try:
        unpack(archive, folder)
        config = orjson.loads((folder / "config.json").read_bytes())
        unpack_segments(folder / "0")
    except Malformed as failure:
        raise internal(f"{how}: {failure}") from None
    except (OSError, orjson.JSONDecodeError):
        raise internal(f"{how}: failed to unpack `{folder}/config.json`") from None
    shards = [one for one in folder.iterdir() if one.name.isdigit()]
    if config["params"].get("shard_number", 1) != 1 or len(shards) != 1:
        lacking(SHARDING)
    engine_config(config)
    if old is not None and vector_map(old) != vector_map(config):
        both = f"Collection vectors: {vectors_in_words(old)} Snapshot Vectors: {vectors_in_words(config)}"
        raise wrong_input(f"Snapshot is not compatible with existing collection: {both}")
    if old is not None:  # an existing collection keeps its own settings
        (folder / "config.json").write_bytes(orjson.dumps(old))


def restore(meta: dict[str, Any]) -> None:
    folder, snapshots, old = Path(meta["folder"]), Path(meta["snapshots"]), meta.get("config")
    folder.mkdir(parents=True)
    checksum: str | None = meta.get("checksum")
    if meta.get("spooled"):
        own = snapshots / meta["collection"]
        archive = take_upload(Path(meta["spooled"]), meta["content_type"], own, checksum)
        return unpack_collection(archive, folder, "File IO error", old)
    scratch = folder.with_name(folder.name + ".download")
    scratch.mkdir()
    try:
        archive, digest, whole = fetch(meta["location"], meta.get("api_key"), snapshots, scratch)
        if whole and checksum and digest != checksum.strip().lower():
            raise wrong_input(f"Snapshot checksum mismatch: expected {checksum}, got {digest}")
        unpack_collection(archive, folder, "Failed to unpack tar archive", old)
        if not whole:
            raise internal(f"Failed to unpack tar archive: failed to unpack `{scratch}/end`")
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
