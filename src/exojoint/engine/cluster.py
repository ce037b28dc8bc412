"""More than one machine.

Dask carries chunks out and parts back; a lost worker's chunks are followed again by another.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from itertools import islice
from types import ModuleType
from typing import Any, Protocol, TypeVar

from exojoint.core.errors import InputError, Problem
from exojoint.engine.study import ChunkReport, Follower, Study, Tally

LOCAL_WORKERS = 2  # processes of the cluster "local"
RETRIES = 5  # times that a chunk is tried again before the study fails
IN_FLIGHT = 8  # chunks per worker that are on their way at once

Kept = TypeVar("Kept")

_followers: dict[int, Follower] = {}


class Client(Protocol):
    """The part of a Dask client that is used here."""

    def scatter(self, data: object, *, broadcast: bool) -> object:
        """Send an object to all workers."""

    def submit(self, function: Callable[..., object], *args: object, pure: bool, retries: int) -> object:
        """Run a function on a worker; return its future."""

    def scheduler_info(self) -> dict[str, Any]:
        """Tell which workers there are."""


def dask() -> ModuleType:
    """Return Dask's distributed package, or say which extra brings it."""
    try:
        return importlib.import_module("distributed")
    except ImportError:
        told = Problem("cluster", "dask is not installed", "the extra `cluster`", "Install exojoint[cluster].")
        raise InputError(told) from None


@contextmanager
def connect(address: str) -> Iterator[Client]:
    """Give a client of a scheduler at an address, or of a cluster of this machine for ``local``."""
    package = dask()
    if address != "local":
        with package.Client(address) as client:
            yield client
        return
    options = {"n_workers": LOCAL_WORKERS, "threads_per_worker": 1, "processes": True, "dashboard_address": None}
    with package.LocalCluster(**options) as machine, package.Client(machine) as client:
        yield client


def follow_on_cluster(study: Study, n: int, address: str, tally: Tally) -> None:
    """Follow all chunks on a cluster."""
    with connect(address) as client:
        follow_with(client, study, n, tally)


def follow_with(client: Client, study: Study, n: int, tally: Tally) -> None:
    """Follow all chunks with a client, a limited number at a time."""
    chunks = range(-(-n // study.chunk))
    for chunk, report in spread(client, follow_chunk, study, chunks, n, tally.sink is not None):
        tally.give(chunk, report)


def spread(
    client: Client, function: Callable[..., Kept], carried: object, chunks: Sequence[int], *extra: object
) -> Iterator[tuple[int, Kept]]:
    """Yield chunks and what a function makes of them on the workers, in the order in which they finish.

    Parameters
    ----------
    client
        Of a Dask cluster. Chunks of a worker that is lost are done again by another.
    function
        ``function(carried, chunk, *extra)``; it and its results travel.
    carried
        What every chunk needs; it travels once to every worker.
    chunks
        Numbers of the chunks; a few per worker are on their way at once.
    """
    shared = client.scatter(carried, broadcast=True)
    width = IN_FLIGHT * max(1, len(client.scheduler_info()["workers"]))
    waiting = iter(chunks)

    def send(chunk: int) -> Any:  # noqa: ANN401 - a future of Dask, whose types are not known here
        return client.submit(function, shared, chunk, *extra, pure=False, retries=RETRIES)

    number = {send(chunk): chunk for chunk in islice(waiting, width)}
    finished = dask().as_completed(list(number))
    for future in finished:
        yield number.pop(future), future.result()
        following = next(waiting, None)
        if following is not None:
            another = send(following)
            number[another] = following
            finished.add(another)


def follow_chunk(study: Study, chunk: int, n: int, keep: bool) -> ChunkReport:
    """Follow one chunk in a worker, which keeps its kernel and memory for the next one of the same study."""
    follower = _followers.get(id(study))
    if follower is None or follower.study is not study:
        _followers.clear()
        follower = _followers[id(study)] = Follower(study)
    return follower.follow(study.ids(chunk, n), keep=keep)
