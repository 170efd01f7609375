"""The cache of decoded audio: values, bounds, errors."""

import pickle

import numpy as np
import pytest
import soundfile as sf

from sb_sed.errors import InputError
from sb_sed.mixing.cache import AudioCache


def write(path, seconds=1.0, rate=16000, channels=1, **options):
    rng = np.random.default_rng(0)
    samples = rng.uniform(-1, 1, (round(seconds * rate), channels))
    sf.write(path, samples, rate, **options)
    return str(path)


@pytest.mark.parametrize(
    "name, subtype",
    [
        ("a.wav", "PCM_16"),
        ("a.wav", "PCM_24"),
        ("a.wav", "FLOAT"),
        ("a.flac", "PCM_16"),
    ],
)
def test_same_samples_as_soundfile(tmp_path, name, subtype):
    path = write(tmp_path / name, subtype=subtype)
    expected, _ = sf.read(path, dtype="float32")
    cache = AudioCache()
    for _ in range(2):  # from the file, from memory
        np.testing.assert_array_equal(cache.read(path), expected)
        np.testing.assert_array_equal(cache.read(path, 5, 9), expected[5:9])


def test_parts_of_long_files_are_read_and_not_kept(tmp_path):
    path = write(tmp_path / "long.wav", 61)
    expected, _ = sf.read(path, dtype="float32")
    cache = AudioCache()
    np.testing.assert_array_equal(
        cache.read(path, 900000, 900010), expected[900000:900010]
    )
    np.testing.assert_array_equal(cache.read(path, 975990), expected[975990:])
    assert cache.extent(path) == (0, 61)
    assert not cache._kept


def test_memory_is_bounded_and_the_oldest_go(tmp_path):
    paths = [write(tmp_path / f"{i}.wav") for i in range(5)]  # 64 kB each
    cache = AudioCache(max_megabytes=0.2)
    for path in (*paths[:3], paths[0], paths[3]):
        cache.read(path)
    assert [path for _, path in cache._kept] == [paths[2], paths[0], paths[3]]
    assert sum(a.nbytes for a in cache._kept.values()) == cache._bytes <= 2e5
    assert len(AudioCache(max_megabytes=0).read(paths[0])) == 16000


def test_shared_samples_cannot_be_changed(tmp_path):
    samples = AudioCache().read(write(tmp_path / "a.wav"))
    with pytest.raises(ValueError):
        samples += 1


def test_a_copy_begins_empty(tmp_path):
    cache = AudioCache(7, 8000)
    cache.read(write(tmp_path / "a.wav", rate=8000))
    copy = pickle.loads(pickle.dumps(cache))
    assert (copy.max_megabytes, copy.sample_rate) == (7, 8000)
    assert cache._kept and not copy._kept


def test_extent_leaves_out_silence_at_the_ends(tmp_path):
    samples = np.zeros(16000)
    samples[4000:12000] = 0.5
    samples[6000:7000] = 0  # inside: stays
    samples[:100] = 0.0004  # more than 60 dB below
    sf.write(tmp_path / "a.wav", samples, 16000)
    sf.write(tmp_path / "silent.wav", 0 * samples, 16000)
    cache = AudioCache()
    assert cache.extent(str(tmp_path / "a.wav")) == (0.25, 0.75)
    assert cache.extent(str(tmp_path / "silent.wav")) == (0, 0)


def test_rir_is_cut_and_kept(tmp_path):
    response = np.zeros(16000)
    response[100] = 0.5
    sf.write(tmp_path / "rir.wav", response, 16000)
    cache = AudioCache()
    rir = cache.rir(str(tmp_path / "rir.wav"))
    assert len(rir) == 101
    assert cache.rir(str(tmp_path / "rir.wav")) is rir


def test_unusable_files_are_named(tmp_path):
    cache = AudioCache()
    (tmp_path / "text.wav").write_text("no audio")
    sf.write(tmp_path / "silent.wav", np.zeros(10), 16000)
    stereo = write(tmp_path / "stereo.wav", channels=2)
    slow = write(tmp_path / "slow.wav", rate=8000)
    for path, words in {
        str(tmp_path / "none.wav"): "cannot be read",
        str(tmp_path / "text.wav"): "cannot be read",
        stereo: r"2 channel\(s\) where mono",
        slow: "8000 Hz",
    }.items():
        for function in (cache.read, cache.extent, cache.rir):
            with pytest.raises(InputError, match=words) as error:
                function(path)
            assert path in str(error.value)
    with pytest.raises(InputError, match="silent.wav is silent"):
        cache.rir(str(tmp_path / "silent.wav"))
