"""Tests of models of ONNX as encoders.

Authors
 * sb_sed contributors 2026
"""

import copy
import pickle
import sys

import onnxruntime
import pytest
import torch
from torch import nn

from sb_sed.encoders import OnnxEncoder, YAMNet
from sb_sed.encoders import onnx as onnx_encoder
from sb_sed.errors import InputError


class Blocks(nn.Module):
    """Embeddings of blocks of 320 samples: [..., N] to [..., N // 320, 5]."""

    def __init__(self):
        super().__init__()
        torch.manual_seed(1)
        self.linear = nn.Linear(320, 5)

    def forward(self, wavs):
        n_frames = wavs.shape[-1] // 320
        blocks = wavs[..., : n_frames * 320].unflatten(-1, (-1, 320))
        return self.linear(blocks)


class Ends(Blocks):
    """Their ends as well, and what is not frames."""

    def forward(self, wavs):
        frames = super().forward(wavs)
        return frames.mean((0, 1)), frames, frames[..., :2].double()


def export(module, path, shape, dynamic, outputs=("frames",)):
    """Write a model of waveforms of that shape."""
    axes = {axis: torch.export.Dim(f"axis{axis}") for axis in dynamic}
    torch.onnx.export(
        module.eval(),
        (torch.randn(shape),),
        path,
        input_names=["wavs"],
        output_names=[*outputs],
        dynamic_shapes=(axes,),
        dynamo=True,
        external_data=False,
        verbose=False,
    )
    return path


@pytest.fixture(scope="module")
def models(tmp_path_factory):
    """Files of one model for batches, for one clip, for a flat clip."""
    folder = tmp_path_factory.mktemp("onnx")
    return {
        "batch": export(Blocks(), folder / "b.onnx", (2, 6400), (0, 1)),
        "one": export(Blocks(), folder / "o.onnx", (1, 6400), (1,)),
        "flat": export(Blocks(), folder / "f.onnx", (6400,), (0,)),
        "ends": export(
            Ends(), folder / "e.onnx", (2, 6400), (0, 1), ("a", "b", "c")
        ),
    }


def encoder(path, **others):
    """Of these models."""
    settings = {"frame_shift": 0.02, "first_frame": 0.01, "min_samples": 640}
    return OnnxEncoder(path, **{**settings, **others})


WAVS = torch.randn(3, 16100, generator=torch.Generator().manual_seed(1))


@pytest.mark.parametrize("kind", ["batch", "one", "flat"])
def test_frames_are_the_model_s(models, kind):
    found = encoder(models[kind])
    expected = Blocks()(WAVS)
    assert torch.allclose(found(WAVS), expected, atol=1e-5)
    assert found.size == 5
    for n_samples in (1, 640, 959, 960, 16100):
        shape = found(WAVS[:, :n_samples]).shape
        assert shape == (3, found.n_frames(n_samples), 5)
    assert found.state_dict() == {}
    assert not [*found.parameters()]


def test_an_output_can_be_named(models):
    expected = Blocks()(WAVS)
    found = encoder(models["ends"], output="b")(WAVS)
    assert torch.allclose(found, expected, atol=1e-5)
    found = encoder(models["ends"], output="c")(WAVS)
    assert found.dtype == torch.float32
    assert torch.allclose(found, expected[..., :2], atol=1e-5)
    with pytest.raises(InputError, match="no output 'd': take one of a, b, c"):
        encoder(models["ends"], output="d")
    with pytest.raises(InputError, match="name another output"):
        encoder(models["ends"])


def test_copies_open_the_model_again(models):
    found = encoder(models["batch"])
    assert copy.deepcopy(found) is found
    again = pickle.loads(pickle.dumps(found))
    assert torch.equal(again(WAVS), found(WAVS))
    assert again.key == found.key


def test_the_key_follows_the_file(models):
    assert encoder(models["batch"]).key == encoder(str(models["batch"])).key
    assert encoder(models["batch"]).key != encoder(models["one"]).key
    assert (
        encoder(models["batch"]).key
        != encoder(models["batch"], first_frame=0.0).key
    )


def test_yamnet_as_a_file_is_yamnet(tmp_path):
    yamnet = YAMNet(["layer6", "layer12", "embedding", "scores"], hop=0.08)
    path = export(yamnet, tmp_path / "yamnet.onnx", (2, 50000), (0, 1))
    found = OnnxEncoder(
        path,
        frame_shift=yamnet.frame_shift,
        first_frame=yamnet.first_frame,
        min_samples=1,
    )
    for n_samples in (1000, 15600, 15601, 16100):
        wavs = 0.1 * WAVS[:, :n_samples]
        assert torch.allclose(found(wavs), yamnet(wavs), atol=1e-4)
        assert found.n_frames(n_samples) == yamnet.n_frames(n_samples)


def test_frames_at_another_distance_are_noticed(models):
    with pytest.raises(InputError, match="500 frames for ten seconds.*0.04 s"):
        encoder(models["batch"], frame_shift=0.04)
    with pytest.raises(InputError, match="correct frame_shift or sample_rate"):
        encoder(models["batch"], sample_rate=32000)


def test_wrong_files_are_named(tmp_path, models):
    with pytest.raises(InputError, match="none.onnx cannot be found"):
        encoder(tmp_path / "none.onnx")
    path = tmp_path / "other.onnx"
    path.write_bytes(b"not a model")
    with pytest.raises(InputError, match="other.onnx cannot be read as a"):
        encoder(path)
    path.write_bytes(models["batch"].read_bytes()[:-100])
    with pytest.raises(InputError, match="other.onnx cannot be read as a"):
        encoder(path)

    class Image(nn.Module):
        """Not a model of waveforms."""

        def forward(self, images):
            return images.mean(-1)

    export(Image(), path, (1, 3, 8, 8), (0,))
    with pytest.raises(InputError, match=r"wavs tensor.float. .*one float32"):
        encoder(path)

    class Convolution(nn.Module):
        """Fails with too few samples."""

        def forward(self, wavs):
            return wavs.reshape(-1, 2, 3000)

    export(Convolution(), path, (1, 6000), ())
    with pytest.raises(InputError, match="cannot be run with 640 samples"):
        encoder(path)


def test_without_onnxruntime_one_is_told(monkeypatch, models):
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    with pytest.raises(InputError, match="pip install onnxruntime"):
        encoder(models["batch"])


def test_a_model_gets_pytorch_s_threads(monkeypatch, models):
    asked = []

    def session(path, options, **others):
        asked.append(options.intra_op_num_threads)
        return original(path, options, **others)

    original = onnxruntime.InferenceSession
    monkeypatch.setattr(onnxruntime, "InferenceSession", session)
    onnx_encoder.OnnxEncoder(models["batch"], 0.02, 0.01)
    assert asked == [torch.get_num_threads()]
