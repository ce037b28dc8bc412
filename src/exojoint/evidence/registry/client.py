"""Asking ClinicalTrials.gov itself: optional, polite, and able to work from stored answers without a network."""

from __future__ import annotations

import functools
import hashlib
import http.client
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path

from exojoint.core.errors import ExojointError, InputError, Problem
from exojoint.core.files import atomic_write, read_text
from exojoint.core.tables import read_table
from exojoint.core.units import parse_quantity
from exojoint.evidence.registry.ctgov import Json, parse_json, studies_of, trials_of
from exojoint.evidence.registry.dose_words import limits
from exojoint.evidence.registry.trial import Trial

AGENT = "exojoint (evidence room; https://clinicaltrials.gov/data-api/api)"
AGAIN = (408, 425, 429, 500, 502, 503, 504)  # answers that may be different a moment later
SEARCHES = ("cond", "intr", "term", "titles", "outc", "spons", "locn", "id")  # the registry's query.<area>


class RegistryError(ExojointError):
    """The registry could not be asked: no network, or an answer that did not come."""


class AnswerError(Exception):
    """One attempt failed.

    Parameters
    ----------
    reason : str
        What came instead of an answer.
    again : bool
        Whether another attempt makes sense.
    wait : float
        Seconds that the server asks to wait; 0 where it does not say.
    """

    def __init__(self, reason: str, *, again: bool, wait: float = 0.0) -> None:
        super().__init__(reason)
        self.again, self.wait = again, wait


Fetch = Callable[[str], bytes]


@dataclass(frozen=True, slots=True)
class Client:
    """How to ask.

    Parameters
    ----------
    cache : Path
        Folder that keeps every answer; also what a search without a network reads.
    offline : bool
        Whether only stored answers may be used, whatever their age.
    fetch : callable
        Gets the bytes of an address; raises `AnswerError`.
    sleep : callable
        Waits some seconds between attempts.
    """

    cache: Path
    offline: bool = False
    fetch: Fetch | None = None
    sleep: Callable[[float], None] = time.sleep


def search(client: Client, **areas: str) -> tuple[Trial, ...]:
    """Return all trials that match, page by page.

    Parameters
    ----------
    client : Client
        How to ask.
    **areas : str
        ``cond="knee osteoarthritis"``, ``intr="exosomes OR extracellular vesicles"``, ``term=...``.

    Raises
    ------
    InputError
        For an area that the registry does not have, or a search without words.
    RegistryError
        When an answer does not come, or is not stored and the client is offline.
    """
    return tuple(
        trial for number, page in enumerate(pages(client, areas), 1) for trial in trials_of(page, f"page {number}")
    )


def pages(client: Client, areas: Mapping[str, str]) -> Iterator[Json]:
    """Yield the raw pages of a search; see `search`."""
    unknown = [area for area in areas if area not in SEARCHES]
    if unknown or not any(areas.values()):
        what = f"area '{unknown[0][:40]}' is unknown" if unknown else "nothing is searched for"
        raise InputError(Problem("search", what, f"words for one of {', '.join(SEARCHES)}"))
    query = {f"query.{area}": words for area, words in sorted(areas.items()) if words}
    query |= {"format": "json", "pageSize": f"{_limit('page_size', '1'):.0f}"}
    token = ""
    for _page in range(int(_limit("pages", "1"))):
        page = _page_of(client, query | ({"pageToken": token} if token else {}))
        studies_of(page, "registry")
        yield page
        following = page.get("nextPageToken") if isinstance(page, dict) else None
        if not isinstance(following, str) or not following:
            return
        token = following
    raise RegistryError(f"the search has more than {_limit('pages', '1'):.0f} pages; narrow it")


def _page_of(client: Client, query: Mapping[str, str]) -> Json:
    address = f"{base_address()}?{urllib.parse.urlencode(query)}"
    stored = client.cache / f"{hashlib.sha256(address.encode()).hexdigest()[:24]}.json"
    if stored.is_file() and (client.offline or time.time() - stored.stat().st_mtime < _limit("cache_age", "s")):
        return parse_json(read_text(stored, int(_limit("page_bytes", "byte"))), stored.name)
    if client.offline:
        raise RegistryError(f"no stored answer for {address} in {client.cache}, and the network is not to be used")
    data = _attempts(client, address)
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError:
        raise RegistryError(f"the answer of {address} is not UTF-8 text") from None
    page = parse_json(text, address)
    client.cache.mkdir(parents=True, exist_ok=True)
    atomic_write(stored, text)
    return page


def _attempts(client: Client, address: str) -> bytes:
    """Ask until there is an answer: waits double, and the server's own wish is kept within reason."""
    fetch = client.fetch or _fetch
    wait = _limit("first_wait", "s")
    tries = int(_limit("tries", "1"))
    reason = ""
    for attempt in range(1, tries + 1):
        try:
            return fetch(address)
        except AnswerError as error:
            reason = str(error)
            if not error.again:
                break
            if attempt < tries:
                client.sleep(min(max(wait, error.wait), _limit("longest_wait", "s")))
                wait *= 2
    raise RegistryError(f"{address}: {reason} (attempt {attempt} of {tries})")


def _fetch(address: str) -> bytes:
    if not address.startswith("https://"):
        raise AnswerError("only https is asked", again=False)
    request = urllib.request.Request(address, headers={"User-Agent": AGENT, "Accept": "application/json"})  # noqa: S310  https only
    most = int(_limit("page_bytes", "byte"))
    try:
        with urllib.request.urlopen(request, timeout=_limit("timeout", "s")) as answer:  # noqa: S310  https only
            data: bytes = answer.read(most + 1)
    except urllib.error.HTTPError as error:
        asked = error.headers.get("Retry-After", "") if error.headers else ""
        wait = float(asked) if asked.isascii() and asked.isdigit() and len(asked) < 6 else 0.0
        raise AnswerError(f"HTTP {error.code}", again=error.code in AGAIN, wait=wait) from None
    except (urllib.error.URLError, http.client.HTTPException, TimeoutError, OSError) as error:
        raise AnswerError(f"no answer ({str(error)[:120]})", again=True) from None
    if len(data) > most:
        raise AnswerError(f"more than {most:,} bytes", again=False)
    return data


@functools.cache
def base_address() -> str:
    """Return the registry's documented public address, from ``endpoints.csv``."""
    path = files("exojoint.evidence.registry").joinpath("endpoints.csv")
    rows = read_table(path, ("name", "address", "documented_at", "note"))
    return {row["name"]: row["address"] for row in rows}["clinicaltrials_studies"]


def _limit(name: str, unit: str) -> float:
    value, written = limits()[name]
    return value if unit == "1" else parse_quantity(f"{value:g} {written}", unit, "limits.csv")
