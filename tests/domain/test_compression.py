from __future__ import annotations

import random
import zlib

import pytest
from backports import zstd
from hypothesis import given
from hypothesis import strategies as st

from traces_app.domain.compression import (
    CODEC_RAW,
    CODEC_ZLIB,
    CODEC_ZSTD,
    CODEC_ZSTD_WITH_DICTIONARY,
    MAX_BYTES_WITH_DICTIONARY,
    NEWEST_SHIPPED,
    compress,
    decompress,
    shipped_dictionary,
)

CRC_OF_FIRST = 2_561_273_082
TEXT = b'{"role":"user","content":"Where is the parcel that was sent to me on Monday?"}'


def own_dictionary() -> zstd.ZstdDict:
    content = zstd.ZstdDict(b"parcels that were sent on Monday arrive on Friday. " * 20, is_raw=True)
    return zstd.finalize_dict(content, [TEXT * 3] * 9, 4096, 5)


OWN = own_dictionary()
DICTIONARIES = {"none": None, "shipped": shipped_dictionary(), "own": OWN}


@given(st.binary(max_size=300), st.integers(1, 40), st.sampled_from(list(DICTIONARIES)))
def test_bytes_come_back_as_they_were(piece: bytes, times: int, name: str) -> None:
    data = piece * times
    assert decompress(compress(data, DICTIONARIES[name]), {OWN.dict_id: OWN}.get) == data


@pytest.mark.parametrize("name", DICTIONARIES)
@pytest.mark.parametrize("size", [0, 63, 64, 2**17, MAX_BYTES_WITH_DICTIONARY, MAX_BYTES_WITH_DICTIONARY + 1])
def test_noise_and_megabytes_come_back_too(size: int, name: str) -> None:
    for data in (random.Random(size).randbytes(size), (TEXT * (size // len(TEXT) + 1))[:size]):
        assert decompress(compress(data, DICTIONARIES[name]), {OWN.dict_id: OWN}.get) == data


def test_what_came_megabytes_before_is_stored_once() -> None:
    history = random.Random(1).randbytes(4 * 2**20)
    assert len(compress(history * 3)) < 1.01 * len(history)


def test_a_short_text_is_smaller_with_the_shipped_dictionary() -> None:
    assert len(compress(TEXT, shipped_dictionary())) < 0.8 * len(compress(TEXT))


def test_blobs_of_every_codec_can_be_read_for_ever() -> None:
    text = b"text" * 30
    assert decompress(bytes((CODEC_RAW,)) + text) == text
    assert decompress(bytes((CODEC_ZLIB,)) + zlib.compress(text)) == text
    assert decompress(bytes((CODEC_ZSTD,)) + zstd.compress(text)) == text
    for number in range(1, NEWEST_SHIPPED + 1):
        packed = zstd.compress(text, zstd_dict=shipped_dictionary(number))
        assert decompress(bytes((CODEC_ZSTD_WITH_DICTIONARY,)) + packed) == text


def test_shipped_dictionaries_have_the_number_of_their_file() -> None:
    """It stands in the header of every frame that was packed with one."""
    numbers = range(1, NEWEST_SHIPPED + 1)
    assert [shipped_dictionary(number).dict_id for number in numbers] == list(numbers)


def test_the_first_dictionary_is_the_one_it_always_was() -> None:
    """Stored spans can be read with this very one only: another gets another number."""
    assert zlib.crc32(shipped_dictionary(1).dict_content) == CRC_OF_FIRST


def test_what_a_newer_version_wrote_is_refused_by_name() -> None:
    with pytest.raises(ValueError, match="codec 250: written by a newer version"):
        decompress(b"\xfa123")
    with pytest.raises(ValueError, match=f"dictionary {OWN.dict_id}: written by a newer version"):
        decompress(compress(TEXT * 2, OWN))
