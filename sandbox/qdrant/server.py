"""A Qdrant server for drills: Qdrant's own engine (qdrant-edge) behind a small REST front. See README.md."""

from __future__ import annotations

import os

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # before numpy is there: processes are forked from this one

import argparse
import asyncio
import ctypes
import fcntl
import gc
import signal
import sys
import threading
from pathlib import Path
from typing import IO

import uvloop

import worker  # noqa: F401  imported here so that every child has it already
from children import Nursery
from connection import listen
from faults import FaultPort, Faults
from lacking import ALL
from registry import Registry
from router import Router
from service import VERSION


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=6333)
    parser.add_argument("--storage", type=Path, default=Path("storage"))
    parser.add_argument("--snapshots", type=Path, default=Path("snapshots"))
    parser.add_argument("--api-key", default=os.environ.get("QDRANT__SERVICE__API_KEY"))
    parser.add_argument("--read-only-key", default=os.environ.get("QDRANT__SERVICE__READ_ONLY_API_KEY"))
    parser.add_argument("--fault-port", type=int, help="where the fault switches listen; without it there are none")
    parser.add_argument(
        "--die-with-parent", action="store_true", help="end when standard input does; whoever starts this holds it open"
    )
    return parser.parse_args()


async def own(storage: Path) -> IO[bytes]:
    """Two servers over one folder would wreck it. The one before may still be going away, so this waits a little."""
    storage.mkdir(parents=True, exist_ok=True)
    lock = (storage / ".lock").open("wb")
    for _ in range(100):
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return lock
        except BlockingIOError:
            await asyncio.sleep(0.1)
    raise SystemExit(f"{storage} is in use by another server")


async def serve(options: argparse.Namespace, nursery: Nursery) -> None:
    lock = await own(options.storage)
    registry = Registry(nursery, options.storage, options.snapshots)
    await registry.open_all()
    faults = Faults()
    router = Router(registry, options.api_key, options.read_only_key, faults)
    await listen(router, options.host, options.port)
    if options.fault_port:
        await listen(FaultPort(faults), options.host, options.fault_port)
    print(
        f"qdrant front on {options.host}:{options.port}: the real Qdrant engine (qdrant-edge 0.9.0) "
        f"behind a REST front that speaks as {VERSION}; it does not have {'; '.join(ALL)}",
        flush=True,
    )
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    await stop.wait()
    await registry.close()
    lock.close()


def keep_memory() -> None:
    """Bodies of megabytes come and go: glibc would return each to the kernel and fault it in again page by page."""
    try:
        libc = ctypes.CDLL(None)
        libc.mallopt(-3, 32 << 20)  # M_MMAP_THRESHOLD
        libc.mallopt(-1, 256 << 20)  # M_TRIM_THRESHOLD
    except AttributeError:
        pass  # another C library


def end_with_input() -> None:
    """A parent that is killed closes its end of our input too. Then we go as if we had been asked to, on any system."""

    def wait() -> None:
        while os.read(0, 4096):
            pass
        os.kill(os.getpid(), signal.SIGTERM)

    threading.Thread(target=wait, daemon=True).start()


def main() -> int:
    options = arguments()
    keep_memory()
    gc.freeze()
    nursery = Nursery()
    if options.die_with_parent:  # after the fork: a thread does not survive it
        end_with_input()
    uvloop.run(serve(options, nursery))
    return 0


if __name__ == "__main__":
    sys.exit(main())
