"""A small training run: random clips, a small detector, a Brain."""

import copy
import functools

import pytest
import torch
from speechbrain.dataio.batch import PaddedBatch
from speechbrain.utils.epoch_loop import EpochCounter
from torch import nn
from torch.utils.data import DataLoader

from sb_sed.augment.spectrogram import GaussianNoise
from sb_sed.data.labels import EventEncoder
from sb_sed.data.streams import Streams
from sb_sed.features import (
    AmplitudeToDB,
    Featurizer,
    MelSpectrogram,
    MinMax,
)
from sb_sed.models.crnn import CRNN
from sb_sed.models.detector import Detector
from sb_sed.models.discriminator import TCNDiscriminator
from sb_sed.models.fusion import Fusion
from sb_sed.training.adaptation import TwoStep
from sb_sed.training.adversarial import DomainAdversarialBrain
from sb_sed.training.brains import MeanTeacherBrain
from sb_sed.training.checkpoints import AtomicCheckpointer
from sb_sed.training.schedules import EMATeacher, ExponentialRampUp

CLASSES = ["Cat", "Dog"]
RATE = 1000


class Log:
    """A logger that keeps the statistics of each epoch."""

    def __init__(self):
        self.epochs = []

    def log_stats(self, stats_meta, **stats):
        self.epochs.append((stats_meta, stats))


class Figure:
    """A function as the figure that the best checkpoint is chosen by."""

    name = "event_f1"

    def __init__(self, function):
        self.function = function

    def __call__(self, scores, weak):
        return self.function(scores, weak)


class Run:
    """A small version of what ``train.py`` sets up, on clips of about 1 s.

    Arguments
    ---------
    folder : Path
        Of the checkpoints; None for none.
    sizes : dict
        Clips of each stream in a batch; an epoch has six batches.
    dropout : float
        Of the network.
    views : dict, optional
        By default those of the baseline.
    f1 : Callable, optional
        Stands for the event F1 of a data set's scores.
    opt_class : Callable, optional
        By default Adam.
    ramp_up_epochs, ramp_down, consistency_weight, seed
        Of the Brain.
    make_brain : Callable
        Its class.
    encoder : FrameEncoder, optional
        Of student and teacher.
    brain_options : dict
        More of its arguments.
    **run_opts
        SpeechBrain's.
    """

    def __init__(
        self,
        folder=None,
        sizes=None,
        dropout=0.5,
        views=None,
        f1=None,
        opt_class=None,
        ramp_up_epochs=2,
        ramp_down=None,
        consistency_weight=2.0,
        seed=0,
        make_brain=MeanTeacherBrain,
        encoder=None,
        brain_options=None,
        **run_opts,
    ):
        torch.manual_seed(0)
        mel = MelSpectrogram(
            RATE, n_fft=64, hop_length=20, n_mels=8, f_max=500.0
        )
        network = CRNN(
            n_classes=len(CLASSES),
            n_mels=8,
            filters=(3, 4),
            pooling=((2, 2), (1, 2)),
            rnn_hidden=4,
            rnn_layers=1,
            dropout=dropout,
            fusion=encoder and Fusion(encoder.size, size=3),
        )
        featurizer = Featurizer(mel, [AmplitudeToDB(), MinMax()])
        self.student = Detector(featurizer, network, encoder)
        self.teacher = copy.deepcopy(self.student)
        self.encoder = EventEncoder(CLASSES, self.student.frame_shift)
        sizes = sizes or {"synthetic": 2, "unlabelled": 2, "weak": 1}
        self.clips, self.batches = Streams(sizes).build(
            {name: self.stream(name, 6 * size) for name, size in sizes.items()},
            seed=seed,
        )
        counter = EpochCounter(limit=1)
        self.counter = counter
        self.log = Log()
        self.brain = make_brain(
            modules={
                "spectrogram": mel,
                "student": self.student,
                "teacher": self.teacher,
            },
            opt_class=opt_class or functools.partial(torch.optim.Adam, lr=0.01),
            encoder=self.encoder,
            losses={
                "strong": nn.BCELoss(),
                "weak": nn.BCELoss(),
                "consistency": nn.MSELoss(),
            },
            views=views
            or {"student": nn.Identity(), "teacher": GaussianNoise()},
            ema=EMATeacher(0.9),
            ramp_up=ExponentialRampUp(ramp_up_epochs, len(self.batches)),
            ramp_down=ramp_down or (lambda step: 1.0),
            consistency_weight=consistency_weight,
            selection=Figure(f1 or (lambda *scores: 0.5)),
            train_loggers=[self.log],
            seed=seed,
            **(brain_options or {}),
            run_opts={"noprogressbar": True, "device": "cpu"} | run_opts,
            checkpointer=folder
            and AtomicCheckpointer(
                folder,
                {
                    "student": self.student,
                    "teacher": self.teacher,
                    "epoch": counter,
                },
            ),
        )
        self.brain.train_sampler = self.batches

    def stream(self, name, n_clips):
        """Clips that have the labels of their stream."""
        return [
            self.clip(
                f"{name}{i}",
                has_strong=name == "synthetic",
                has_weak=name == "weak",
            )
            for i in range(n_clips)
        ]

    def clip(self, name, seconds=1.0, duration=None, **has):
        """A random clip whose labels are random too."""
        generator = torch.Generator().manual_seed(sum(name.encode()))
        n_samples = round(seconds * RATE)
        n_frames = self.student.n_output_frames(n_samples)
        strong = torch.rand(n_frames, len(CLASSES), generator=generator) > 0.5
        return {
            "id": name,
            "sig": torch.randn(n_samples, generator=generator),
            "strong": strong.float(),
            "weak": torch.randint(2, (2,), generator=generator).float(),
            "has_strong": True,
            "has_weak": True,
            "duration": duration or seconds,
        } | has

    def test_loader(self):
        """Whole clips with all labels."""
        clips = [self.clip(f"test{i}") for i in range(3)]
        return DataLoader(clips, batch_size=2, collate_fn=PaddedBatch)

    def fit(self, n_epochs, num_workers=0):
        """Train up to an epoch, from the last checkpoint on."""
        self.counter.limit = n_epochs
        self.brain.fit(
            self.counter,
            self.clips,
            self.test_loader(),
            train_loader_kwargs={
                "batch_sampler": self.batches,
                "num_workers": num_workers,
                "persistent_workers": num_workers > 0,
                "collate_fn": PaddedBatch,
            },
        )
        return self

    def watch(self):
        """Note rate, networks and step at the end of each batch to come."""
        brain, seen = self.brain, []

        def note(batch, outputs, loss, should_step):
            seen.append(
                {
                    "lr": brain.optimizer.param_groups[0]["lr"],
                    "step": brain.optimizer_step,
                    "should_step": should_step,
                    "ids": batch.id,
                    "loss": loss.item(),
                }
                | {
                    name: [p.detach().clone() for p in module.parameters()]
                    for name, module in brain.modules.items()
                }
            )

        brain.on_fit_batch_end = note
        return seen

    def first_batch(self):
        """The first batch of the first epoch."""
        return PaddedBatch([self.clips[i] for i in next(iter(self.batches))])

    def state(self):
        """All tensors in which two equal runs must agree."""
        tensors = {
            f"optimizer of {module} {index} {name}": value
            for module, optimizer in self.brain.optimizers_dict.items()
            for index, state in optimizer.state_dict()["state"].items()
            for name, value in state.items()
        }
        for name, module in self.brain.modules.items():
            for key, value in module.state_dict().items():
                tensors[f"{name} {key}"] = value
        return {name: value.clone() for name, value in tensors.items()}


@pytest.fixture
def make_run():
    """The class above, on one thread."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield Run
    torch.set_num_threads(threads)


@pytest.fixture
def make_dat(make_run):
    """A run with an adaptation; its discriminator has always one start."""

    def make(*arguments, method=TwoStep, rate=0.004, held_out=(), **options):
        weights = {
            name: options.pop(name)
            for name in ("main", "adversarial")
            if name in options
        }
        torch.manual_seed(1)
        discriminator = TCNDiscriminator(8, 4, 6, n_blocks=2, n_repeats=1)
        adaptation = method(
            discriminator,
            options.pop(
                "discriminator_opt",
                functools.partial(torch.optim.Adam, lr=rate),
            ),
            **weights,
        )
        brain = functools.partial(
            DomainAdversarialBrain, adaptation=adaptation, held_out=held_out
        )
        return make_run(*arguments, make_brain=brain, **options)

    return make
