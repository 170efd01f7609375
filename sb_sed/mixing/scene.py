"""A scene, which is all that was drawn, and the soundscape mixed from it.

Authors
 * sb_sed contributors 2026
"""

from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np

from sb_sed.data.jams import strip_suffixes
from sb_sed.formats import Event


@dataclass(frozen=True)
class SceneSource:
    """One source of a scene.

    Arguments
    ---------
    path : str
        The file.
    label : str
        The class, as the folder of the sound bank has it; empty for the
        background.
    start : float
        Where in the file the sound begins, seconds.
    seconds : float
        How long it is in the file.
    onset : float
        When it begins in the clip, seconds; what lies before 0 or after the
        clip is cut.
    level : float
        Its peak in the mixture, dB of full scale, unless the mixture has to be
        attenuated.
    rir : str, optional
        The room impulse response.
    effects : list of dict
        What was drawn for the chain of effects.
    """

    path: str
    label: str
    start: float
    seconds: float
    onset: float
    level: float
    rir: str | None = None
    effects: list[dict] = field(default_factory=list)

    @property
    def event_label(self) -> str:
        """The class without suffixes such as ``_nOn``."""
        return strip_suffixes(self.label)


@dataclass(frozen=True)
class Scene:
    """Everything that was drawn for a soundscape.

    Arguments
    ---------
    seconds : float
        Length of the soundscape.
    background : SceneSource
        The place.
    foregrounds : list of SceneSource
        The events.

    Example
    -------
    >>> background = SceneSource("b.wav", "", 0.0, 10.0, 0.0, -40.0)
    >>> scene = Scene(10.0, background, [])
    >>> Scene.from_dict(scene.to_dict()) == scene
    True
    """

    seconds: float
    background: SceneSource
    foregrounds: list[SceneSource]

    def to_dict(self) -> dict[str, Any]:
        """Return lists and dicts, for a JSON file."""
        return asdict(self)

    @classmethod
    def from_dict(cls, content: dict[str, Any]) -> "Scene":
        """Return the scene of which ``to_dict`` made this."""
        return cls(
            content["seconds"],
            SceneSource(**content["background"]),
            [SceneSource(**source) for source in content["foregrounds"]],
        )


@dataclass(frozen=True)
class Sound:
    """One source as it is in the mixture.

    Arguments
    ---------
    first : int
        Its first sample in the clip.
    samples : np.ndarray
        float32 [time], no longer than the rest of the clip.
    onset, offset : float
        Seconds in the clip between which it is audible.
    """

    first: int
    samples: np.ndarray
    onset: float
    offset: float


@dataclass(frozen=True)
class Soundscape:
    """A mixed scene.

    Arguments
    ---------
    samples : np.ndarray
        The mixture, float32 [N].
    events : list of Event
        The audible events, as ``tidy_events`` leaves them.
    background : Sound
        The background in the mixture.
    foregrounds : list of Sound or None
        Each foreground of the scene in turn; None for one that was left out.
    """

    samples: np.ndarray
    events: list[Event]
    background: Sound
    foregrounds: list[Sound | None]

    def stems(self) -> np.ndarray:
        """Return background and foregrounds, [1 + n, N], summing to the mix."""
        sounds = [self.background, *self.foregrounds]
        stems = np.zeros((len(sounds), len(self.samples)), dtype=np.float32)
        for stem, sound in zip(stems, sounds, strict=True):
            if sound:
                last = sound.first + len(sound.samples)
                stem[sound.first : last] = sound.samples
        return stems
