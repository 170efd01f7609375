"""A trained detector for recordings of any format, rate and length.

Authors
 * sb_sed contributors 2026
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pandas as pd
from speechbrain.inference.interfaces import Pretrained

from sb_sed.errors import UNBUILDABLE, InputError, brief
from sb_sed.inference.exported import JSON_FILE, fetched, read_detector
from sb_sed.inference.finder import EventFinder
from sb_sed.inference.hub import hub_options, is_offline, not_found
from sb_sed.inference.names import YAMNET
from sb_sed.inference.network import TorchNetwork, window_scorer
from sb_sed.inference.pretrained import yamnet_parts
from sb_sed.inference.waveforms import Samples, as_batch, unpadded
from sb_sed.models.crnn import Predictions
from sb_sed.runs.run import Run
from sb_sed.smoothing.base import Smoother


class SoundEventDetector(EventFinder, Pretrained):
    """Finds the events in files, long ones too, and in batches of waveforms.

    Make one with ``from_folder`` or SpeechBrain's ``from_hparams``. Recordings
    up to the length of a training clip are padded to it with silence, as in
    the training; longer ones are processed in overlapping windows of that
    length (see ``sb_sed.inference.windows``), a few at a time, so that of hours
    only the scores are held: 4 bytes a frame and class.

    If the smoother has a clip gate, the scores are ``min(strong, weak)``, where
    a window counts as a clip: each window is gated by its own weak scores, and
    windows that overlap are averaged afterwards. So of a long recording, a
    sound in its first minute opens no gate in its last; and in a stream, a
    frame's gate depends on the window that its score is from, on nothing later.

    Arguments
    ---------
    *args, **kwargs
        Of SpeechBrain's ``Pretrained``: ``modules`` (``detector``), ``hparams``
        (``classes``, ``sample_rate``, ``clip_seconds``, ``smoother``),
        ``run_opts`` (such as ``{"device": "cuda"}``).

    Attributes
    ----------
    scores : WindowScorer
        From a ``Recording`` to its table of scores.

    Example
    -------
    >>> import torch
    >>> from sb_sed.features import MinMax, get_featurizer
    >>> from sb_sed.models.crnn import CRNN
    >>> from sb_sed.models.detector import Detector
    >>> from sb_sed.smoothing.median import MedianSmoother
    >>> featurizer = get_featurizer("log_mel", normalise=MinMax())
    >>> detector = SoundEventDetector(
    ...     modules={"detector": Detector(featurizer, CRNN(n_classes=2))},
    ...     hparams={
    ...         "classes": ["Cat", "Dog"],
    ...         "sample_rate": 16000,
    ...         "clip_seconds": 10.0,
    ...         "smoother": MedianSmoother(threshold=0.9),
    ...     },
    ...     run_opts={"device": "cpu"},
    ... )
    >>> [len(events) for events in detector.detect_batch(torch.rand(2, 16000))]
    [0, 0]
    """

    HPARAMS_NEEDED = ["classes", "sample_rate", "clip_seconds", "smoother"]
    MODULES_NEEDED = ["detector"]

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        network = TorchNetwork(
            self.mods.detector, self.device, lambda: self.clip_gate
        )
        self.scores = window_scorer(network, vars(self.hparams))

    @classmethod
    def from_folder(
        cls, folder: str | Path, run_opts: dict | None = None
    ) -> SoundEventDetector:
        """Load what ``sb-sed export`` or a training wrote.

        Nothing in the folder is executed, so it need not be trusted.

        Arguments
        ---------
        folder : str | Path
            An exported folder, the output folder of ``train.py`` (its best
            checkpoint is taken), or that folder's ``save``.
        run_opts : dict, optional
            Such as ``{"device": "cuda"}``.

        Raises
        ------
        InputError
            If it is none of them, is damaged, or has classes of its own (for
            these see ``from_hparams``).
        """
        modules, hparams = read_detector(folder)
        return cls(modules=modules, hparams=hparams, run_opts=run_opts)

    @classmethod
    def from_pretrained(
        cls,
        name: str | Path = YAMNET,
        classes: str | Path | Sequence[str] | None = None,
        run_opts: dict | None = None,
    ) -> SoundEventDetector:
        """Load a detector by its name; one needs no training.

        Arguments
        ---------
        name : str | Path
            ``yamnet``, which ships with the package and finds AudioSet's
            classes in windows of about a second (see
            ``sb_sed.inference.pretrained``); else as for ``from_hparams``.
        classes : str | Path | Sequence[str], optional
            Of ``yamnet``: which ones, see
            :func:`~sb_sed.inference.pretrained.audioset_groups`.
        run_opts : dict, optional
            Such as ``{"device": "cuda"}``.

        Raises
        ------
        InputError
            As ``from_hparams``; if AudioSet lacks a class, or classes are given
            for another detector.
        """
        if str(name) == YAMNET:
            return cls(*yamnet_parts(classes), run_opts=run_opts)
        if classes is not None:
            raise InputError(
                f"{name} has classes of its own: give classes for {YAMNET} only."
            )
        return cls.from_hparams(name, run_opts=run_opts)

    @classmethod
    def from_hparams(
        cls, source: str | Path, hparams_file: str = JSON_FILE, **kwargs
    ) -> SoundEventDetector:
        """Load from a folder or the Hugging Face hub, as SpeechBrain does.

        Arguments
        ---------
        source : str | Path
            A folder as for ``from_folder``, or the name of a repository on the
            hub.
        hparams_file : str
            By default, nothing of the source is executed. With
            ``"hyperparams.yaml"`` that file is, which can do anything: name it
            for sources that you trust. It is what a network of one's own
            needs.
        **kwargs
            Of SpeechBrain's ``from_hparams``: ``savedir``, ``run_opts``, …

        Raises
        ------
        InputError
            As ``from_folder``.
        """
        if hparams_file == JSON_FILE:
            run_opts = kwargs.pop("run_opts", None)
            return cls.from_folder(fetched(source, **kwargs), run_opts)
        if run := Run.find(source):
            hparams = run.constants | {"smoother": run.build_smoother()}
            modules = {"detector": run.student()}
            return cls(modules, hparams, kwargs.get("run_opts"))
        if not Path(source).is_dir():
            kwargs = hub_options(source, kwargs)
        try:
            return super().from_hparams(str(source), hparams_file, **kwargs)
        except UNBUILDABLE as error:
            if is_offline(kwargs):
                raise not_found(source, "the hub does not answer") from error
            raise InputError(
                f"{source} cannot be loaded from {hparams_file} "
                f"({brief(error)}): install what it names, or fetch or export "
                "it again."
            ) from error

    @property
    def smoother(self) -> Smoother:
        """From scores to events."""
        return self.hparams.smoother

    @smoother.setter
    def smoother(self, smoother: Smoother) -> None:
        """Replace it."""
        self.hparams.smoother = smoother

    def detect_batch(
        self, wavs: Samples, lens: Samples | None = None
    ) -> list[pd.DataFrame]:
        """Find the events of a batch of waveforms.

        Arguments
        ---------
        wavs : np.ndarray | torch.Tensor
            [B, N], at the detector's sample rate: floats with full scale 1, or
            16-bit integers.
        lens : np.ndarray | torch.Tensor, optional
            Relative lengths [B], in (0, 1], where some are padded.

        Returns
        -------
        list[pd.DataFrame]
            Of each waveform a table as of ``detect_file``, whose ``filename``
            is the waveform's place in the batch.

        Raises
        ------
        InputError
            If they are of another type or shape, or a waveform is shorter than
            an output frame or not finite.
        """
        n_least = self.scores.windows.frame_samples
        tables = self.scores.batch(unpadded(wavs, lens, n_least))
        return [self.events(x, str(place)) for place, x in enumerate(tables)]

    def forward(
        self, wavs: Samples, lens: Samples | None = None
    ) -> Predictions:
        """Score a batch of clips by the network alone.

        Arguments
        ---------
        wavs, lens : np.ndarray | torch.Tensor
            As of ``detect_batch``; the lengths are not needed, as the padding
            is silence.

        Raises
        ------
        InputError
            If they are of another type or shape, or shorter than an output
            frame.
        """
        with self.inference_ctx:
            wavs = as_batch(wavs, self.scores.windows.frame_samples)
            return self.mods.detector.from_waveforms(wavs.to(self.device))
