"""Named random streams: every draw has a name, so arms share luck and order, chunks and threads do not matter.

The numbers come from Philox4x64-10, a counter-based generator: a number is a pure function of (key, counter).
The key is a hash of the stream's name, the counter holds the row (patient, trial, ...) and the position in the row.

References
----------
Salmon JK, Moraes MA, Dror RO, Shaw DE. Parallel random numbers: as easy as 1, 2, 3. SC'11 (2011).
"""

from __future__ import annotations

import hashlib
import operator
from dataclasses import dataclass
from typing import SupportsIndex

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri

# Multipliers and key increments of Philox4x64 (Salmon 2011, table 2).
MULTIPLIER_0, MULTIPLIER_1 = np.uint64(0xD2E7470EE14C6C93), np.uint64(0xCA5A826395121157)
WEYL_0, WEYL_1 = 0x9E3779B97F4A7C15, 0xBB67AE8584CAA73B
ROUNDS = 10
LANES = 4
ROW_DOMAIN = 1  # last counter word of `uniform`; numpy's Generator starts at 0 and cannot reach it
CHUNK = 8192  # blocks per pass, so that the work arrays stay in the processor's cache
MASK_64 = (1 << 64) - 1
LOW, HALF = np.uint64(0xFFFFFFFF), np.uint64(32)

Words = NDArray[np.uint64]


@dataclass(frozen=True, slots=True)
class Stream:
    """A named source of chance; equal names give equal numbers, on any machine.

    `uniform` and `normal` of one stream are the same luck in two scales: give each purpose its own child.

    Parameters
    ----------
    key : bytes
        16 bytes; made by `stream` and `child`.
    """

    key: bytes

    def child(self, *parts: str | SupportsIndex) -> Stream:
        """Name a stream inside this one; ``s.child("a", 1)`` equals ``s.child("a").child(1)``.

        Raises
        ------
        TypeError
            When a part is neither text nor an integer (a boolean is neither).
        """
        key = self.key
        for part in parts:
            key = hashlib.blake2b(key + _encode(part), digest_size=16).digest()
        return Stream(key)

    def uniform(self, ids: NDArray[np.int64], n: int) -> NDArray[np.float64]:
        """Draw uniform numbers in the open interval (0, 1).

        Parameters
        ----------
        ids : (k,) integers
            Row names, e.g. patient numbers.
        n : int
            Numbers per row.

        Returns
        -------
        (k, n) array
            Odd multiples of 2^-53, so neither 0 nor 1; element (i, j) depends only on (key, ids[i], j).
        """
        rows = np.atleast_1d(np.asarray(ids, dtype=np.int64)).view(np.uint64)
        blocks = -(-n // LANES)
        result = np.empty((len(rows), blocks * LANES))
        flat = result.reshape(-1, LANES)
        key = _key_words(self.key)
        for start in range(0, len(flat), CHUNK):
            stop = min(start + CHUNK, len(flat))
            row, block = np.divmod(np.arange(start, stop), blocks)
            counter = (block.astype(np.uint64), rows[row], np.uint64(0), np.uint64(ROW_DOMAIN))
            for lane, word in enumerate(philox(counter, key)):
                flat[start:stop, lane] = ((word >> np.uint64(12)).astype(np.float64) + 0.5) * 2.0**-52
        return result[:, :n]

    def normal(self, ids: NDArray[np.int64], n: int) -> NDArray[np.float64]:
        """Draw standard normal numbers, (k, n): the normal quantiles of `uniform`."""
        scores: NDArray[np.float64] = ndtri(self.uniform(ids, n))
        return scores

    def generator(self) -> np.random.Generator:
        """Return a sequential numpy generator for draws that have no row names; it shares no number with `uniform`."""
        low, high = _key_words(self.key)
        return np.random.Generator(np.random.Philox(key=np.array([low, high], dtype=np.uint64)))


def stream(seed: int, *parts: str | SupportsIndex) -> Stream:
    """Open the stream of a run's seed under a name.

    Parameters
    ----------
    seed : int
        The scenario's seed, any integer.
    parts : str or int
        The name, e.g. ``("trial", 3, "dropout")``; 1 and "1" are told apart, and so are ('a', 'bc') and ('ab', 'c').
    """
    return Stream(bytes(16)).child(seed, *parts)


def philox(counter: tuple[Words | np.uint64, ...], key: tuple[int, int]) -> tuple[Words, Words, Words, Words]:
    """Philox4x64-10: turn four counter words and two key words into four random words, element by element."""
    x0, x1, x2, x3 = (np.asarray(word, dtype=np.uint64) for word in counter)
    key_0, key_1 = key
    for _ in range(ROUNDS):
        high_0, low_0 = _multiply(x0, MULTIPLIER_0)
        high_1, low_1 = _multiply(x2, MULTIPLIER_1)
        x0, x1, x2, x3 = high_1 ^ x1 ^ np.uint64(key_0), low_1, high_0 ^ x3 ^ np.uint64(key_1), low_0
        key_0, key_1 = (key_0 + WEYL_0) & MASK_64, (key_1 + WEYL_1) & MASK_64
    return x0, x1, x2, x3


def _multiply(x: Words, m: np.uint64) -> tuple[Words, Words]:
    """Full 128-bit product as (high, low) words, from four 32-bit products."""
    x_low, x_high = x & LOW, x >> HALF
    m_low, m_high = m & LOW, m >> HALF
    cross = x_high * m_low + ((x_low * m_low) >> HALF)
    middle = x_low * m_high + (cross & LOW)
    with np.errstate(over="ignore"):  # the low word is the product modulo 2^64; numpy warns for 0-d arrays only
        low = x * m
    return x_high * m_high + (cross >> HALF) + (middle >> HALF), low


def _key_words(key: bytes) -> tuple[int, int]:
    return int.from_bytes(key[:8], "little"), int.from_bytes(key[8:], "little")


def _encode(part: str | SupportsIndex) -> bytes:
    """Type, length, content: no two different parts, and no two different splits, share a code."""
    if isinstance(part, bool):
        raise TypeError("a stream's name is made of text and integers, not of booleans")
    if isinstance(part, str):
        kind, body = b"s", part.encode("utf-8")
    else:
        number = operator.index(part)
        kind, body = b"i", number.to_bytes(number.bit_length() // 8 + 1, "little", signed=True)
    return kind + len(body).to_bytes(8, "little") + body
