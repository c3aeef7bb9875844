"""Which collections there are, the process of each, and the aliases that point to them."""

from __future__ import annotations

import asyncio
import os
import secrets
import shutil
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import orjson

from children import Child, Nursery
from collection import save
from errors import ApiError, bad_request, no_collection, not_found, wrong_input
from faults import dummy_shard

INFO: dict[str, Any] = {"op": "http", "route": ["GET"], "query": {}}


@dataclass
class Entry:
    """A collection: its process, or why it has none. `ready` is down while a restore changes its files."""

    child: Child | None = None
    broken: str | None = None
    ready: asyncio.Event = field(default_factory=asyncio.Event)


class Registry:
    def __init__(self, nursery: Nursery, storage: Path, snapshots: Path) -> None:
        self.nursery = nursery
        self.storage, self.snapshots = storage.resolve(), snapshots.resolve()
        self.scratch = self.storage / "tmp"
        shutil.rmtree(self.scratch, ignore_errors=True)
        for folder in (self.storage / "collections", self.storage / "aliases", self.scratch, self.snapshots):
            folder.mkdir(parents=True, exist_ok=True)
        self.entries: dict[str, Entry] = {}
        self.locks: dict[str, asyncio.Lock] = {}
        self.alias_file = self.storage / "aliases" / "data.json"
        self.aliases: dict[str, str] = orjson.loads(self.alias_file.read_bytes()) if self.alias_file.exists() else {}
        self.peer = self._peer_id()

    def _peer_id(self) -> int:
        file = self.storage / "raft_state.json"
        if not file.exists():
            save(file, {"this_peer_id": secrets.randbelow(2**53 - 10**15) + 10**15})
        peer: int = orjson.loads(file.read_bytes())["this_peer_id"]
        return peer

    def folder(self, name: str) -> Path:
        return self.storage / "collections" / name

    def lock(self, name: str) -> asyncio.Lock:
        return self.locks.setdefault(name, asyncio.Lock())

    def scratch_folder(self, kind: str) -> Path:
        return self.scratch / f"{kind}-{secrets.token_hex(4)}"

    async def open_all(self) -> None:
        for folder in (self.storage / "collections").iterdir():
            if (folder / "config.json").exists():
                self.entries[folder.name] = Entry()
            else:
                shutil.rmtree(folder)  # a creation that never finished
        await asyncio.gather(*(self._open(name) for name in self.entries), return_exceptions=True)

    async def _open(self, name: str, config: dict[str, Any] | None = None) -> None:
        entry = self.entries[name]
        entry.child = await Child.start(self.nursery)
        try:
            await entry.child.call({"op": "open", "folder": str(self.folder(name)), "config": config})
        except ApiError as failure:
            entry.child, entry.broken = None, failure.message
            raise
        finally:
            entry.ready.set()

    async def child(self, name: str) -> Child:
        entry = self.entries.get(self.resolve(name))
        if entry is None:
            raise no_collection(name)
        await entry.ready.wait()
        if entry.child is None or entry.child.gone.is_set():
            raise dummy_shard(entry.broken or "the process of this collection is gone")
        return entry.child

    def resolve(self, name: str) -> str:
        return self.aliases.get(name, name)

    # ---- collections

    async def create(self, name: str, config: dict[str, Any]) -> None:
        async with self.lock(name):
            if name in self.entries:
                raise ApiError(409, f"Wrong input: Collection `{name}` already exists!")
            if name in self.aliases:
                text = f"Can't create collection with name {name}. Alias with the same name already exists"
                raise wrong_input(text)
            self.entries[name] = Entry()
            try:
                await self._open(name, config)
            except ApiError:
                del self.entries[name]
                shutil.rmtree(self.folder(name), ignore_errors=True)
                raise

    async def delete(self, name: str) -> bool:
        async with self.lock(name):
            entry = self.entries.pop(name, None)
            if entry is None:
                return False
            if entry.child:
                entry.child.transport.close()  # the process ends at its next read; its files may go before it
            self._keep_aliases({alias: target for alias, target in self.aliases.items() if target != name})
            await asyncio.to_thread(shutil.rmtree, self._set_aside(self.folder(name)), True)
            return True

    def _set_aside(self, folder: Path) -> Path:
        rubbish = self.scratch_folder("deleted")
        os.rename(folder, rubbish)
        return rubbish

    async def restore(self, name: str, meta: dict[str, Any]) -> None:
        """Fetches and unpacks beside the collection, then exchanges the folders and opens what came."""
        name = self.resolve(name)
        async with self.lock(name):
            folder, current = self.scratch_folder(f"{name}-recovery"), self.folder(name)
            config = orjson.loads((current / "config.json").read_bytes()) if name in self.entries else None
            restorer = await Child.start(self.nursery)
            paths = {"folder": str(folder), "snapshots": str(self.snapshots), "collection": name, "config": config}
            try:
                await restorer.call({"op": "restore", **meta, **paths})
                await self._exchange(name, folder)
            finally:
                restorer.transport.close()
                shutil.rmtree(folder, ignore_errors=True)

    async def _exchange(self, name: str, folder: Path) -> None:
        old, rubbish = self.entries.get(name), None
        if old:
            old.ready.clear()
            if old.child:
                await old.child.stop()
            rubbish = self._set_aside(self.folder(name))
        os.rename(folder, self.folder(name))
        entry = self.entries.setdefault(name, Entry())
        entry.broken = None
        try:
            await self._open(name)
        finally:
            if rubbish:
                await asyncio.to_thread(shutil.rmtree, rubbish, True)

    async def archive(self, name: str, target: Path) -> bytearray:
        meta = {"op": "archive", "target": str(target), "scratch": str(self.scratch), "peer": self.peer}
        return await (await self.child(name)).call(meta)

    async def close(self) -> None:
        await asyncio.gather(*(entry.child.stop() for entry in self.entries.values() if entry.child))

    # ---- aliases

    def _keep_aliases(self, aliases: dict[str, str]) -> None:
        if aliases != self.aliases:
            save(self.alias_file, aliases)
            self.aliases = aliases

    def change_aliases(self, actions: list[dict[str, Any]]) -> None:
        """One after the other, each kept at once: when one fails, those before it stay."""
        for action in actions:
            kind, given = next(iter(action.items()))
            match kind:
                case "create_alias":
                    target, alias = given["collection_name"], given["alias_name"]
                    if target not in self.entries:
                        raise no_collection(target)
                    if alias in self.entries:
                        raise ApiError(409, f"Wrong input: Collection `{alias}` already exists!")
                    self._keep_aliases({**self.aliases, alias: target})
                case "rename_alias":
                    old, new = given["old_alias_name"], given["new_alias_name"]
                    if old not in self.aliases:
                        raise not_found(f"Alias {old} does not exists!")
                    if new in self.entries:
                        raise ApiError(409, f"Wrong input: Collection `{new}` already exists!")
                    rest = {alias: target for alias, target in self.aliases.items() if alias != old}
                    self._keep_aliases({**rest, new: self.aliases[old]})
                case "delete_alias":
                    gone = given["alias_name"]
                    self._keep_aliases({alias: target for alias, target in self.aliases.items() if alias != gone})
                case _:
                    raise bad_request(f"unknown alias operation {kind}")
