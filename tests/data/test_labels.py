"""Events, frame matrices and weak labels, one into the other."""

from math import ceil

import numpy as np
import pandas as pd
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from sb_sed.data.labels import ROUNDING, EventEncoder, active_events
from sb_sed.errors import InputError
from sb_sed.formats import EVENT_COLUMNS, read_events, write_events

CLASSES = ["Cat", "Dog", "Speech"]

frame_shifts = st.one_of(
    st.sampled_from([0.06375, 0.031875, 0.02, 0.01, 0.5, 1.0]),
    st.floats(0.01, 1.0),
)
matrices = arrays(
    np.int8,
    array_shapes(min_dims=1, max_dims=1, min_side=1, max_side=200).map(
        lambda shape: (*shape, len(CLASSES))
    ),
    elements=st.integers(0, 1),
)
events = st.lists(
    st.tuples(
        st.floats(0, 20), st.floats(0.001, 20), st.sampled_from(CLASSES)
    ).map(lambda event: (event[0], event[0] + event[1], event[2])),
    max_size=6,
)


@given(matrices, frame_shifts)
def test_a_matrix_is_restored_from_its_events(matrix, frame_shift):
    encoder = EventEncoder(CLASSES, frame_shift)
    found = encoder.decode_strong(matrix)
    assert np.array_equal(encoder.encode_strong(found, len(matrix)), matrix)


@settings(
    max_examples=50,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(matrices, frame_shifts)
def test_a_matrix_is_restored_from_a_file(tmp_path, matrix, frame_shift):
    encoder = EventEncoder(CLASSES, frame_shift)
    rows = [("clip.wav", *event) for event in encoder.decode_strong(matrix)]
    path = tmp_path / "events.tsv"
    write_events(
        pd.DataFrame(rows, columns=EVENT_COLUMNS), path, files=["clip.wav"]
    )
    read = read_events(path, CLASSES).dropna()
    found = read[EVENT_COLUMNS[1:]].itertuples(index=False, name=None)
    assert np.array_equal(encoder.encode_strong(found, len(matrix)), matrix)


@pytest.mark.parametrize("frame_shift", [0.01, 0.06375])
def test_rounding_is_harmless_hours_into_a_recording(frame_shift):
    encoder = EventEncoder(["Cat"], frame_shift)
    strong = torch.zeros(500_000, 1)
    strong[np.random.default_rng(0).integers(0, len(strong), 300)] = 1
    found = [
        (round(onset, 3), round(offset, 3), label)
        for onset, offset, label in encoder.decode_strong(strong)
    ]
    assert torch.equal(encoder.encode_strong(found, len(strong)), strong)


@given(events, frame_shifts)
def test_decoded_events_cover_the_annotated_ones(events, frame_shift):
    encoder = EventEncoder(CLASSES, frame_shift)
    n_frames = ceil(41 / frame_shift)
    for event in events:
        strong = encoder.encode_strong([event], n_frames)
        [(onset, offset, label)] = encoder.decode_strong(strong)
        assert label == event[2]
        # Milliseconds are what an annotation can say.
        assert onset <= event[0] + ROUNDING
        assert offset >= event[1] - ROUNDING
        assert event[0] - onset < frame_shift
        assert offset - event[1] < frame_shift + ROUNDING


@given(events, frame_shifts)
def test_frames_of_events_are_the_union_of_each(events, frame_shift):
    encoder = EventEncoder(CLASSES, frame_shift)
    together = encoder.encode_strong(events, 50)
    single = [encoder.encode_strong([event], 50) for event in events]
    assert torch.equal(
        together, torch.stack([together * 0, *single]).amax(dim=0)
    )


@given(events, frame_shifts)
def test_weak_labels_are_any_over_time(events, frame_shift):
    encoder = EventEncoder(CLASSES, frame_shift)
    strong = encoder.encode_strong(events, ceil(41 / frame_shift))
    weak = encoder.encode_weak([label for *_, label in events])
    assert torch.equal(weak, strong.amax(dim=0))
    assert encoder.decode_weak(weak) == sorted({e[2] for e in events})


def test_against_a_loop_over_the_frames():
    # A frame is active if the event covers any part of it.
    shift, n_frames = 0.06375, 157
    encoder = EventEncoder(CLASSES, shift)
    generator = np.random.default_rng(0)
    for _ in range(50):
        onset = round(generator.uniform(0, 9), 3)
        offset = round(onset + generator.uniform(0.25, 3), 3)
        expected = [
            min(offset, (i + 1) * shift) - max(onset, i * shift) > ROUNDING
            for i in range(n_frames)
        ]
        strong = encoder.encode_strong([(onset, offset, "Dog")], n_frames)
        assert strong[:, 1].bool().tolist() == expected


def test_what_lies_beyond_the_end_is_cut():
    encoder = EventEncoder(CLASSES, 0.5)
    events = [(1.0, 9.0, "Cat"), (2.0, 3.0, "Dog"), (50.0, 51.0, "Speech")]
    strong = encoder.encode_strong(events, 4)
    assert strong.T.tolist() == [[0, 0, 1, 1], [0] * 4, [0] * 4]
    assert encoder.decode_strong(strong) == [(1.0, 2.0, "Cat")]


def test_short_events_keep_a_frame():
    encoder = EventEncoder(CLASSES, 0.5)
    for onset in (0.0, 0.4999, 0.5, 0.7):
        strong = encoder.encode_strong([(onset, onset + 1e-4, "Cat")], 4)
        assert strong.sum() == 1


def test_no_events_and_no_frames():
    encoder = EventEncoder(CLASSES, 0.5)
    assert encoder.encode_strong([], 2).tolist() == [[0] * 3] * 2
    assert encoder.decode_strong(np.zeros((2, 3))) == []
    assert encoder.decode_strong(np.zeros((0, 3))) == []
    assert encoder.encode_strong([(0.0, 1.0, "Cat")], 0).shape == (0, 3)
    assert encoder.encode_weak([]).tolist() == [0, 0, 0]


def test_the_columns_are_in_the_order_of_the_classes():
    encoder = EventEncoder(["Dog", "Cat"], 1.0)
    assert encoder.encode_strong([(0, 1, "Cat")], 1).tolist() == [[0, 1]]
    assert encoder.encode_weak(["Dog"]).tolist() == [1, 0]
    assert encoder.decode_strong([[0, 1]]) == [(0.0, 1.0, "Cat")]


def test_unknown_and_repeated_labels():
    encoder = EventEncoder(CLASSES, 0.5)
    with pytest.raises(InputError, match="'Cow'.*Cat.*add the class"):
        encoder.encode_strong([(0.0, 1.0, "Cow")], 4)
    with pytest.raises(InputError, match="'Cow'"):
        encoder.encode_weak(["Cat", "Cow"])
    with pytest.raises(InputError, match="twice"):
        EventEncoder(["Cat", "Dog", "Cat"], 0.5)


def test_runs_over_frames_of_any_length():
    active = np.array([[1, 0], [1, 1], [0, 1], [1, 0]], dtype=bool)
    onsets = np.array([0.0, 0.1, 0.7, 1.0])
    offsets = np.array([0.1, 0.7, 1.0, 1.25])
    assert active_events(active, onsets, offsets, ["a", "b"]) == [
        (0.0, 0.7, "a"),
        (0.1, 1.0, "b"),
        (1.0, 1.25, "a"),
    ]
