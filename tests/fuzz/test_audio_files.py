"""Damaged audio files: each is processed whole, or its user is told.

What still decodes to finite samples may be processed. A loss is silent if less
came of a file than was in it, and neither a reason nor a note says so.
"""

import io
import struct

import numpy as np
import pytest
import soundfile as sf

RATE, SECONDS = 8000, 4.0
FORMATS = {
    "wav": ("WAV", "PCM_16"),
    "wav24": ("WAV", "PCM_24"),
    "wavfloat": ("WAV", "FLOAT"),
    "wav8": ("WAV", "PCM_U8"),
    "wavx": ("WAVEX", "PCM_16"),
    "wavadpcm": ("WAV", "IMA_ADPCM"),
    "flac": ("FLAC", "PCM_16"),
    "ogg": ("OGG", "VORBIS"),
    "opus": ("OGG", "OPUS"),
    "mp3": ("MP3", "MPEG_LAYER_III"),
    "aiff": ("AIFF", "PCM_16"),
    "au": ("AU", "PCM_16"),
    "w64": ("W64", "PCM_16"),
    "rf64": ("RF64", "PCM_16"),
    "caf": ("CAF", "PCM_16"),
    "voc": ("VOC", "PCM_16"),
    "nist": ("NIST", "PCM_16"),
}
WIDTHS = {"PCM_U8": 1, "PCM_16": 2, "PCM_24": 3, "PCM_32": 4, "FLOAT": 4,
          "DOUBLE": 8, "ULAW": 1, "ALAW": 1}  # fmt: skip
SUFFIXES = {kind: "wav" for kind in FORMATS if kind.startswith("wav")}
NOT_READ = "behind the end that its header names"
OPEN = "a header without its length"
# Where the size of the samples is: how far behind which bytes; its format.
SIZES = {"wav": (b"data", 4, "<I"), "wav24": (b"data", 4, "<I"),
         "wavfloat": (b"data", 4, "<I"), "wavx": (b"data", 4, "<I"),
         "aiff": (b"SSND", 4, ">I"), "caf": (b"data", 4, ">q"),
         "w64": (b"data\xf3\xac", 16, "<Q"), "rf64": (b"ds64", 16, "<Q"),
         "au": (b".snd", 8, ">I")}  # fmt: skip
# Where the header of a WAV has its fields, and as how many bytes.
FIELDS = {"RIFF size": (4, 4), "size of fmt": (16, 4), "tag": (20, 2),
          "channels": (22, 2), "rate": (24, 4), "bytes a second": (28, 4),
          "block": (32, 2), "bits": (34, 2), "data size": (40, 4)}  # fmt: skip
VALUES = [0, 1, 2, 3, 7, 8, 12, 16, 17, 24, 32, 85, 255, 1024, 1025, 9999,
          63998, 63999, 64001, 64002, 65534, 65535, 768001, 2**24, 2**31 - 1,
          2**31, 4 * 10**9, 2**32 - 37, 2**32 - 1]  # fmt: skip


def encoded(form, subtype):
    """A tone in noise as the bytes of a file."""
    time = np.arange(round(RATE * SECONDS)) / RATE
    noise = np.random.default_rng(0).normal(0, 0.05, len(time))
    file = io.BytesIO()
    samples = 0.3 * np.sin(2 * np.pi * 200 * time) + noise
    sf.write(file, samples, RATE, subtype, format=form)
    return file.getvalue()


WHOLE = {name: encoded(*kind) for name, kind in FORMATS.items()}


def share_read(kind, info, seconds):
    """How much of the samples of a file of ``WHOLE`` came out of it.

    Of samples that lie as they are, bytes: the header may name more channels.
    """
    n_samples = seconds * info.samplerate * info.channels
    if kind not in FORMATS or FORMATS[kind][1] not in WIDTHS:
        return n_samples / (RATE * SECONDS)
    n_bytes = RATE * SECONDS * WIDTHS[FORMATS[kind][1]]
    return n_samples * WIDTHS.get(info.subtype, 1) / n_bytes


def some(rng, *names):
    name = str(rng.choice(names or [*FORMATS]))
    return name, WHOLE[name]


def stretch(rng, content):
    """Where a part of it begins and ends."""
    return sorted(rng.integers(0, len(content), 2).tolist())


def truncated(rng):
    name, content = some(rng)
    return name, content[: rng.integers(1, len(content))]


def truncated_late(rng):
    name, content = some(rng)
    return name, content[: int(len(content) * rng.uniform(0.75, 0.95))]


def flipped(rng):
    name, content = some(rng)
    content = bytearray(content)
    for place in rng.integers(0, len(content), rng.integers(1, 9)):
        content[place] ^= 1 << rng.integers(8)
    return name, bytes(content)


def flipped_at_the_start(rng):
    name, content = some(rng)
    content = bytearray(content)
    for place in rng.integers(0, 200, rng.integers(1, 4)):
        content[place] ^= 1 << rng.integers(8)
    return name, bytes(content)


def overwritten(rng):
    name, content = some(rng)
    start, end = stretch(rng, content)
    end = min(end, start + 3000)
    size = end - start
    other = [rng.bytes(size), bytes(size), b"\xff" * size][rng.integers(3)]
    return name, content[:start] + other + content[end:]


def hole(rng):
    name, content = some(rng)
    start, end = stretch(rng, content)
    return name, content[:start] + content[end:]


def shuffled(rng):
    name, content = some(rng)
    first, middle, last = np.sort(rng.integers(0, len(content), 3)).tolist()
    return name, (
        content[:first]
        + content[middle:last]
        + content[first:middle]
        + content[last:]
    )


def wav_field(rng):
    content = bytearray(WHOLE["wav"])
    for name in rng.choice([*FIELDS], rng.choice([1, 1, 1, 2]), replace=False):
        place, size = FIELDS[name]
        value = int(rng.choice(VALUES)) & (256**size - 1)
        content[place : place + size] = value.to_bytes(size, "little")
    return "wav", bytes(content)


def wav_chunks(rng):
    """Chunks that are missing, doubled, in another order, or not in it."""
    whole = WHOLE["wav"]
    size = int(rng.integers(0, 50))
    names = [b"LIST", b"JUNK", b"fact", b"data", b"\0\0\0\0", b"RIFF"]
    junk = names[rng.integers(6)] + size.to_bytes(4, "little") + rng.bytes(size)
    others = [whole[12:36], whole[12:36], junk, junk[: rng.integers(9)]]
    picked = [others[number] for number in rng.choice(4, rng.integers(5))]
    picked.insert(rng.integers(len(picked) + 1), whole[36:])
    return "wav", whole[:12] + b"".join(picked)


def with_more_behind(rng):
    name, content = some(rng)
    more = [rng.bytes(99), bytes(5000), b"TAG" + bytes(125), rng.bytes(30000)]
    return name, content + more[rng.integers(4)]


def joined(rng):
    name, content = some(rng)
    return name, content + WHOLE[name]


def open_ended(rng):
    """What programs write that do not know the length, some of it cut off."""
    name, content = some(rng, *SIZES, "flac", "flac")
    content = bytearray(content)
    if name == "flac":
        content[21] &= 0xF0
        content[22:42] = bytes(20)
    else:
        marker, offset, form = SIZES[name]
        place = content.index(marker) + offset
        most = 256 ** struct.calcsize(form) // (2 if form == ">q" else 1) - 1
        size = int(rng.choice([0, 0, 1])) and most - int(rng.integers(99))
        if name == "caf" and not size:
            size = -1
        struct.pack_into(form, content, place, size)
    if rng.integers(2):
        del content[rng.integers(200, len(content)) :]
    return name, bytes(content)


def tagged(rng):
    """Tags before and behind it, which look like anything."""
    name, content = some(rng, "wav", "wavx", "aiff", "flac", "mp3")
    size = int(rng.choice([0, 10, 1000, 20000]))
    id3 = b"ID3\4\0\0\0" + bytes([size >> 14, size >> 7 & 127, size & 127])
    id3 += rng.bytes(size)
    ape = b"APETAGEX" + struct.pack("<IIII", 2000, 32 + size, 1, 1 << 31)
    ape = rng.bytes(size) + ape + bytes(8)
    behind = [b"", b"TAG" + bytes(125)]
    if name == "mp3":
        behind += [ape, ape + behind[1]]
    return name, [id3, b""][rng.integers(2)] + content + behind[
        rng.integers(len(behind))
    ]


def misnamed(rng):
    """The bytes of one format under the name of another."""
    kind, content = some(rng)
    return kind, content, str(rng.choice(["wav", "flac", "ogg", "mp3", "au"]))


def no_audio(rng):
    texts = [b"", b"\0", b"hello\n", rng.bytes(20000), bytes(20000),
             b"<html>gone</html>" * 99, b"RIFF", b"fLaC", b"OggS" * 99,
             b"ID3\4\0\0\0\0\x0f\x76" + rng.bytes(9999),
             b"\xff\xfb\x90\0" * 999, b"NIST_1A\n   1024\n"]  # fmt: skip
    return some(rng)[0], texts[rng.integers(len(texts))]


MUTATORS = [
    truncated,
    truncated_late,
    flipped,
    flipped_at_the_start,
    overwritten,
    hole,
    shuffled,
    wav_field,
    wav_chunks,
    with_more_behind,
    joined,
    open_ended,
    tagged,
    misnamed,
    no_audio,
]


@pytest.mark.fuzz(MUTATORS, 20)
def test_damaged_files(cases, process_files):
    files, kinds = {}, {}
    for case in cases:
        kind, content, *suffix = case()
        name = f"{case}.{suffix[0] if suffix else SUFFIXES.get(kind, kind)}"
        files[name], kinds[name] = content, kind
    lost = []
    for name, processed in process_files(files).items():
        share = share_read(
            kinds[name], processed["info"], processed["duration"]
        )
        notes = " ".join(processed["notes"])
        if share < 0.95 and NOT_READ not in notes and OPEN not in notes:
            lost.append((name, share))
        if name.startswith("tagged"):
            assert share > 0.99 and NOT_READ not in notes
    assert not lost
