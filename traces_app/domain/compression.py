"""Bytes made small. A first byte names the codec; readers know every codec and dictionary ever released."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path
from typing import Final

from backports import zstd

CODEC_RAW: Final = 0
CODEC_ZLIB: Final = 1
CODEC_ZSTD: Final = 2
CODEC_ZSTD_WITH_DICTIONARY: Final = 3
"""The frame's header says which."""

ZSTD_LEVEL: Final = 5
"""On the six-span workload level 3 gives 3 % more bytes, level 6 some 3 % fewer for half more time."""

MIN_COMPRESSED_BYTES: Final = 64
MAX_BYTES_WITH_DICTIONARY: Final = 2**21
"""The level's own window. What is longer needs a wide one, and is a dictionary to itself."""

WINDOW_LOG: Final = 24
"""Repeats are found 16 MiB back: a call of a model repeats all that was said before it."""

_WIDE: Final[Mapping[int, int]] = {
    zstd.CompressionParameter.compression_level: ZSTD_LEVEL,
    zstd.CompressionParameter.window_log: WINDOW_LOG,
}

NEWEST_SHIPPED: Final = 1
"""Dictionaries that come with the program are numbered from 1 and never removed: stored spans need them."""

FindDictionary = Callable[[int], zstd.ZstdDict | None]
"""A dictionary that did not come with the program, by its number."""


def no_dictionary(number: int) -> None:
    """Where there are none but the shipped."""


def compress(data: bytes, dictionary: zstd.ZstdDict | None = None) -> bytes:
    if len(data) >= MIN_COMPRESSED_BYTES:
        packed = _zstd(data, dictionary)
        if len(packed) <= len(data):
            return packed
    return bytes((CODEC_RAW,)) + data


def decompress(blob: bytes, find: FindDictionary = no_dictionary) -> bytes:
    """The bytes given to compress, by this or any earlier version.

    Raises ValueError for a codec or a dictionary that nobody knows.
    """
    codec, data = blob[0], blob[1:]
    if codec == CODEC_ZSTD_WITH_DICTIONARY:
        return zstd.decompress(data, zstd_dict=_dictionary_of(data, find))
    if codec == CODEC_ZSTD:
        return zstd.decompress(data)
    if codec == CODEC_ZLIB:
        return zlib.decompress(data)
    if codec == CODEC_RAW:
        return data
    raise ValueError(f"Blob of codec {codec}: written by a newer version of LLM Tracer")


@cache
def shipped_dictionary(number: int = NEWEST_SHIPPED) -> zstd.ZstdDict:
    file = Path(__file__).with_name("dictionaries") / f"{number}.zstd-dictionary"
    return zstd.ZstdDict(file.read_bytes())


def _zstd(data: bytes, dictionary: zstd.ZstdDict | None) -> bytes:
    if len(data) > MAX_BYTES_WITH_DICTIONARY:
        return bytes((CODEC_ZSTD,)) + zstd.compress(data, options=_WIDE)
    if dictionary is None:
        return bytes((CODEC_ZSTD,)) + zstd.compress(data, ZSTD_LEVEL)
    packed = zstd.compress(data, ZSTD_LEVEL, zstd_dict=dictionary.as_digested_dict)
    return bytes((CODEC_ZSTD_WITH_DICTIONARY,)) + packed


def _dictionary_of(frame: bytes, find: FindDictionary) -> zstd.ZstdDict:
    number = zstd.get_frame_info(frame).dictionary_id
    found = shipped_dictionary(number) if 1 <= number <= NEWEST_SHIPPED else find(number)
    if found is None:
        raise ValueError(
            f"Blob of dictionary {number}: written by a newer version of LLM Tracer, or not with this store"
        )
    return found
