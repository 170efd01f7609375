"""Mixing as the released code of the UNIVPM-INRIA system does it, plainly.

For the benchmark only: every event is a clip of full length, zero but where
the event lies (as its isolated audio is), convolved with the whole impulse
response by SciPy; each effect that SoX has, and each normalisation to a level,
is a SoX process with pipes (as ``pysndfx`` starts them), all in double
precision, as ``soundfile`` reads by default. Nothing is kept from one clip to
the next. It does less than the released code, which reads isolated events of
full length, and mixes every clip twice, for the student and for the teacher.

Authors
 * sb_sed contributors 2026
"""

import subprocess

import numpy as np
import soundfile
from scipy.signal import fftconvolve

from sb_sed.mixing.effects import EffectChain
from sb_sed.mixing.scene import Scene, SceneSource


class ReleasedMixer:
    """Mixes the scenes that a ``Mixer`` has drawn.

    Arguments
    ---------
    chain : EffectChain
        Has the effects that are not SoX's.
    sample_rate : int
        Samples per second.
    """

    def __init__(self, chain: EffectChain, sample_rate: int):
        self.chain = chain
        self.sample_rate = sample_rate

    def render(self, scene: Scene) -> np.ndarray:
        """The mixture [N]."""
        n = round(scene.seconds * self.sample_rate)
        background, _ = soundfile.read(scene.background.path)
        background = np.resize(background, n)
        mixture = self._sox(background, "norm", scene.background.level)
        for source in scene.foregrounds:
            mixture += self._event(source, n)
        return mixture / max(1.0, np.abs(mixture).max())

    def _event(self, source: SceneSource, n: int) -> np.ndarray:
        event = self._isolated(source, n)
        event = event - event.mean()
        if source.rir:
            rir, _ = soundfile.read(source.rir)
            event = fftconvolve(event, rir)
        for drawn in source.effects:
            event = self._effect(event, dict(drawn))
        event = np.pad(event[:n], (0, max(0, n - len(event))))
        return self._sox(event, "norm", source.level)

    def _isolated(self, source: SceneSource, n: int) -> np.ndarray:
        """The file of the event, in a clip of its own."""
        samples, _ = soundfile.read(source.path)
        onset = round(source.onset * self.sample_rate)
        samples = samples[max(0, -onset) :][: n - max(0, onset)]
        clip = np.zeros(n)
        clip[max(0, onset) :][: len(samples)] = samples
        return clip

    def _effect(self, event: np.ndarray, drawn: dict) -> np.ndarray:
        match drawn.pop("effect"):
            case "PitchShift":
                return self._sox(event, "pitch", 100 * drawn["semitones"])
            case "Compression":
                return self._sox(event, "contrast", drawn["amount"])
            case "LowPass" | "HighPass" as name:
                return self._sox(event, name.lower(), drawn["cutoff"])
            case other:
                drawn = [{"effect": other, **drawn}]
                return self.chain.apply(event, self.sample_rate, drawn)

    def _sox(self, samples: np.ndarray, effect: str, value: float):
        raw = ["-t", "f64", "-r", str(self.sample_rate), "-c", "1", "-"]
        run = subprocess.run(
            ["sox", "-V1", *raw, *raw, effect, f"{value:.4f}"],
            input=samples.tobytes(),
            capture_output=True,
            check=True,
        )
        return np.frombuffer(run.stdout).copy()
