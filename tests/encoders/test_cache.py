"""Embeddings on disk."""

import errno
import os

import numpy as np
import pytest
import soundfile
import torch
from small_encoder import Means

from sb_sed.encoders import EmbeddingCache
from sb_sed.errors import InputError

RATE = 1000


@pytest.fixture
def wavs(tmp_path):
    """Three recordings of a constant each."""
    paths = [tmp_path / f"{number}.wav" for number in range(3)]
    for number, path in enumerate(paths):
        soundfile.write(path, np.full(RATE, 0.25 * number), RATE)
    return paths


def batch(wavs):
    """The recordings and their waveforms."""
    read = [soundfile.read(wav, dtype="float32")[0] for wav in wavs]
    return [*map(str, wavs)], torch.from_numpy(np.stack(read))


def fill(cache, wavs):
    cache.fill([batch(wavs)], len(wavs), RATE)


def test_what_is_read_is_what_the_encoder_gives(wavs, tmp_path):
    cache = EmbeddingCache(tmp_path / "cache", Means())
    assert not cache.has(wavs[0], RATE) and cache.read(wavs[0], RATE) is None
    fill(cache, wavs)
    expected = Means()(batch(wavs)[1])
    for wav, embeddings in zip(wavs, expected, strict=True):
        assert cache.has(wav, RATE)
        found = cache.read(wav, RATE)
        assert found.dtype == torch.float16
        torch.testing.assert_close(found.float(), embeddings, rtol=1e-3, atol=0)
    nothing = cache.nothing(RATE)
    assert nothing.shape == found.shape and nothing.dtype == found.dtype


def test_another_setting_begins_anew(wavs, tmp_path):
    fill(EmbeddingCache(tmp_path / "cache", Means()), wavs)
    other = EmbeddingCache(tmp_path / "cache", Means(gain=2.0))
    assert not other.has(wavs[1], RATE)
    fill(other, wavs)
    assert float(other.read(wavs[1], RATE)[0, 0]) == 0.5
    assert EmbeddingCache(tmp_path / "cache", Means()).has(wavs[1], RATE)


def test_a_recording_that_has_changed_is_encoded_again(wavs, tmp_path):
    cache = EmbeddingCache(tmp_path / "cache", Means())
    fill(cache, wavs)
    soundfile.write(wavs[1], np.full(RATE, 0.75), RATE)
    os.utime(wavs[1], ns=(0, 0))
    assert not cache.has(wavs[1], RATE) and cache.has(wavs[2], RATE)
    assert not cache.has(wavs[2], 2 * RATE)  # padded to another length


def test_what_was_encoded_before_a_fault_remains(wavs, tmp_path):
    cache = EmbeddingCache(tmp_path / "cache", Means())

    def batches():
        yield batch(wavs[:1])
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with pytest.raises(InputError, match="No space left.*make room"):
        cache.fill(batches(), len(wavs), RATE)
    assert cache.has(wavs[0], RATE) and not cache.has(wavs[1], RATE)


def test_a_disk_without_room_is_noticed_at_once(wavs, tmp_path):
    cache = EmbeddingCache(tmp_path / "cache", Means())
    with pytest.raises(InputError, match="they take .* GB.*make room"):
        cache.fill(iter([]), 10**15, RATE)


@pytest.mark.parametrize(
    "content",
    [b"", b"no numpy", "shape", "type", "pickle"],
)
def test_a_damaged_file_is_named(wavs, tmp_path, content):
    cache = EmbeddingCache(tmp_path / "cache", Means())
    fill(cache, wavs[:1])
    (path,) = (tmp_path / "cache").rglob("*.npy")
    if isinstance(content, bytes):
        path.write_bytes(content)
    else:
        other = {
            "shape": np.zeros((3, 2), np.float16),
            "type": np.zeros((10, 2), np.float32),
            "pickle": np.array([{}]),
        }
        np.save(path, other[content])
    with pytest.raises(InputError, match=f"{path.name}.*delete it"):
        cache.read(wavs[0], RATE)


def test_embeddings_of_an_encoder_that_is_trained_are_not_kept(tmp_path):
    with pytest.raises(InputError, match="cache: null"):
        EmbeddingCache(tmp_path, Means(trainable=True))
