"""Training clips that are mixed again in every epoch.

Each class replaces the recorded clips of a stream: it is called with them, and
has as many. Its items are those of ``ClipReader.training_clips``. Where student
and teacher get different waveforms, ``sig`` is the student's and the items also
have ``sig_teacher`` [N]: in all streams, since they share batches.

Authors
 * sb_sed contributors 2026
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import torch
from numpy.random import Generator
from speechbrain.dataio.dataset import DynamicItemDataset

from sb_sed.data.clips import ClipReader
from sb_sed.data.epochs import EpochClips
from sb_sed.mixing.backgrounds import Backgrounds
from sb_sed.mixing.levels import peak
from sb_sed.mixing.mixer import Mixer
from sb_sed.mixing.soundbank import Sources


def recorded_clips(
    clips: DynamicItemDataset,
    reader: ClipReader,
    sources: Sources,
    seed: Sequence[int],
) -> DynamicItemDataset:
    """Return the clips as they are."""
    return clips


def shared_clips(
    clips: DynamicItemDataset,
    reader: ClipReader,
    sources: Sources,
    seed: Sequence[int],
) -> DynamicItemDataset:
    """Return the clips with ``sig`` as ``sig_teacher``, beside ``TwoMixes``."""
    clips.add_dynamic_item(lambda sig: sig, ["sig"], ["sig_teacher"])
    clips.set_output_keys([*clips.pipeline.output_mapping, "sig_teacher"])
    return clips


class MixedClips(EpochClips):
    """Soundscapes that are mixed when they are read, with strong labels.

    Arguments
    ---------
    clips : DynamicItemDataset
        The soundscapes that they replace; isolated events of other soundscapes
        (those held out for validation) are not used.
    reader : ClipReader
        Rate, length and labels of a clip.
    sources : Sources
        What they are mixed from.
    seed : Sequence[int]
        Of the random numbers.
    mixer : Callable
        Makes a ``Mixer`` from the sources, the length, the sample rate and the
        classes.
    """

    def __init__(
        self,
        clips: DynamicItemDataset,
        reader: ClipReader,
        sources: Sources,
        seed: Sequence[int],
        mixer: Callable[..., Mixer] = Mixer,
    ):
        super().__init__(len(clips), seed)
        self.reader = reader
        soundscapes = {None, *clips.data_ids}
        self.mixer = mixer(
            foregrounds=[
                event
                for event in sources.foregrounds
                if event.soundscape in soundscapes
            ],
            backgrounds=sources.backgrounds,
            rirs=sources.rirs,
            cache=sources.cache,
            seconds=reader.n_samples / reader.sample_rate,
            sample_rate=reader.sample_rate,
            classes=reader.encoder.classes,
        )

    def __getitem__(self, index: int) -> Mapping[str, Any]:
        scene = self.mixer.draw(self.generator(index))
        soundscape = self.mixer.render(scene)
        encoder, n_samples = self.reader.encoder, self.reader.n_samples
        return {
            "id": f"mixed-{int(self._epoch)}-{index}",
            "sig": torch.from_numpy(soundscape.samples),
            "strong": encoder.encode_strong(
                soundscape.events, self.reader.n_frames(n_samples)
            ),
            "weak": encoder.encode_weak(
                {e.event_label for e in soundscape.events}
            ),
            "has_strong": True,
            "has_weak": False,
            "has_pseudo": False,
            "duration": scene.seconds,
            **self.reader.encoded(n_samples),
        }


class TwoMixes(MixedClips):
    """The soundscapes of ``MixedClips``, each mixed once more for the teacher.

    As in the released code of the UNIVPM-INRIA paper: the teacher gets the same
    events at the same positions, at other levels, in other rooms, with other
    effects and another background (``Mixer.redraw``). The labels are those of
    the student's mix. Arguments as for ``MixedClips``.
    """

    def __getitem__(self, index: int) -> Mapping[str, Any]:
        rng = self.generator(index)
        scene = self.mixer.redraw(rng, self.mixer.draw(rng))
        samples = self.mixer.render(scene).samples
        teacher = {"sig_teacher": torch.from_numpy(samples)}
        return {**super().__getitem__(index), **teacher}


class WithExtraBackground(EpochClips):
    """Recorded clips, some with one more background; labels stay.

    As in section 3.2 of the UNIVPM-INRIA paper; the range of the level is that
    of its released code.

    Arguments
    ---------
    clips : DynamicItemDataset
        The recorded clips.
    reader : ClipReader
        Rate and length of a clip.
    sources : Sources
        Has the backgrounds.
    seed : Sequence[int]
        Of the random numbers.
    probability : float
        Share of the clips that get a background.
    low, high : float
        Range of the background's peak over that of the clip, dB, uniform.
    silent : Sequence[float]
        Range of the background's peak in a silent clip, dB of full scale.
    """

    def __init__(
        self,
        clips: DynamicItemDataset,
        reader: ClipReader,
        sources: Sources,
        seed: Sequence[int],
        probability: float = 0.5,
        low: float = -30.0,
        high: float = 0.0,
        silent: Sequence[float] = (-45.0, 0.0),
    ):
        super().__init__(len(clips), seed)
        self.recorded = clips
        self.reader = reader
        self.backgrounds = Backgrounds(sources.backgrounds, sources.cache)
        self.probability = probability
        self.low, self.high = low, high
        self.silent = silent

    def __getitem__(self, index: int) -> Mapping[str, Any]:
        clip = self.recorded[index]
        rng = self.generator(index)
        if rng.random() < self.probability:
            clip["sig"] = self._with_background(clip, rng)
            clip |= self.reader.encoded(self.reader.n_samples)
        return clip

    def _with_background(
        self, clip: Mapping[str, Any], rng: Generator
    ) -> torch.Tensor:
        samples = clip["sig"].numpy().copy()
        # What a short clip was padded with stays silent.
        recorded = samples[: round(clip["duration"] * self.reader.sample_rate)]
        loudest = peak(recorded)
        if loudest > 0:
            level = 20 * np.log10(loudest) + rng.uniform(self.low, self.high)
        else:
            low, high = self.silent
            level = rng.uniform(low, high)
        background = self.backgrounds.draw(
            rng, float(level), len(recorded) / self.reader.sample_rate
        )
        recorded += self.backgrounds.render(background, len(recorded))
        return torch.from_numpy(samples / max(1.0, peak(samples)))
