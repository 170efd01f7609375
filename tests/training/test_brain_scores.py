"""The scores of both networks, as the Brain collects them."""

import math

import numpy as np
import torch
from speechbrain.dataio.batch import PaddedBatch
from torch import nn
from torch.utils.data import DataLoader


def test_scores_of_both_networks_end_with_the_clip(make_run):
    run = make_run()
    nn.init.normal_(run.teacher.network.strong.weight)
    clips = [
        run.clip("short", seconds=1.0, duration=0.51),
        run.clip("whole", seconds=1.0),
        run.clip("long", seconds=1.7),
    ]
    loader = DataLoader(
        clips, batch_sampler=[[0, 1], [2]], collate_fn=PaddedBatch
    )
    run.brain.evaluate(loader)
    assert set(run.brain.scores) == {"student", "teacher"}
    shift = run.student.frame_shift
    for name in ("student", "teacher"):
        tables = run.brain.scores[name]
        assert list(tables) == ["short", "whole", "long"]
        network = getattr(run, name).eval()
        for clip in clips:
            table = tables[clip["id"]]
            assert list(table.columns) == ["onset", "offset", "Cat", "Dog"]
            assert table["offset"].iloc[-1] <= clip["duration"]
            n_frames = math.ceil(clip["duration"] / shift - 1e-9)
            with torch.no_grad():
                strong = network.from_waveforms(clip["sig"][None]).strong[0]
            n_frames = min(n_frames, len(strong))
            assert len(table) == n_frames
            np.testing.assert_allclose(
                table[["Cat", "Dog"]], strong[:n_frames], atol=1e-6
            )
            np.testing.assert_allclose(
                table["onset"], np.arange(n_frames) * shift, atol=1e-6
            )
            found = run.brain.weak_scores[name][clip["id"]]
            assert list(found) == ["Cat", "Dog"]
            with torch.no_grad():
                weak = network.from_waveforms(clip["sig"][None]).weak[0]
            np.testing.assert_allclose([*found.values()], weak, atol=1e-6)
    assert run.brain.scores["student"]["short"]["offset"].iloc[-1] == 0.51


def test_scores_are_collected_anew(make_run):
    run = make_run()
    for clip in ("a", "b"):
        loader = DataLoader([run.clip(clip)], collate_fn=PaddedBatch)
        run.brain.evaluate(loader)
        assert list(run.brain.scores["student"]) == [clip]
        assert list(run.brain.weak_scores["student"]) == [clip]
