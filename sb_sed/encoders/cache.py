"""Embeddings of recordings, computed once and kept on disk.

Authors
 * sb_sed contributors 2026
"""

import hashlib
import json
import shutil
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np
import torch
from tqdm import tqdm

from sb_sed.encoders.frame_encoder import FrameEncoder
from sb_sed.errors import UNREADABLE, InputError, brief
from sb_sed.formats import atomic_path

SETTINGS_FILE = "encoder.json"


class EmbeddingCache:
    """Embeddings in half precision, one file a recording.

    They lie in a folder of the encoder's key, so that another encoder, or
    another setting of it, begins anew; the name of a file depends on path, size
    and date of the recording, so that one that has changed is encoded again.

    Arguments
    ---------
    folder : str | Path
        Of the embeddings of all encoders.
    encoder : FrameEncoder
        A frozen one.

    Raises
    ------
    InputError
        If the encoder is trained: its embeddings change.

    Example
    -------
    >>> import soundfile
    >>> from sb_sed.encoders import YAMNet
    >>> folder = getfixture("tmp_path")
    >>> wav = folder / "a.wav"
    >>> soundfile.write(wav, np.zeros(16000), 16000)
    >>> cache = EmbeddingCache(folder / "embeddings", YAMNet())
    >>> cache.fill([([wav], torch.zeros(1, 16000))], 1, 16000)
    >>> cache.read(wav, 16000).dtype
    torch.float16
    """

    def __init__(self, folder: str | Path, encoder: FrameEncoder):
        if encoder.trainable:
            raise InputError(
                "The embeddings of an encoder that is trained cannot be kept: "
                "leave its cache out (cache: null)."
            )
        self.encoder = encoder
        self.folder = Path(folder) / encoder.key

    def has(self, wav: str | Path, n_samples: int) -> bool:
        """Return whether the embeddings of a recording are there.

        Arguments
        ---------
        wav : str | Path
            The recording.
        n_samples : int
            To which it is cut or padded.
        """
        return self._path(wav, n_samples).exists()

    def read(self, wav: str | Path, n_samples: int) -> torch.Tensor | None:
        """Read the embeddings of a recording, [T_e, D], float16.

        Returns
        -------
        torch.Tensor | None
            None if they are not there.

        Raises
        ------
        InputError
            If the file is damaged.
        """
        path = self._path(wav, n_samples)
        if not path.exists():
            return None
        try:
            embeddings = np.load(path, allow_pickle=False)
        except UNREADABLE as error:
            raise InputError(
                f"{path} holds no embeddings ({brief(error)}): delete it."
            ) from error
        wanted = self.encoder.n_frames(n_samples), self.encoder.size
        if embeddings.shape != wanted or embeddings.dtype != np.float16:
            raise InputError(
                f"{path} holds {embeddings.dtype} of {embeddings.shape}, not "
                f"float16 of {wanted}: delete it."
            )
        return torch.from_numpy(embeddings)

    def nothing(self, n_samples: int) -> torch.Tensor:
        """Return zeros in the shape of a recording's embeddings."""
        shape = self.encoder.n_frames(n_samples), self.encoder.size
        return torch.zeros(shape, dtype=torch.float16)

    @torch.no_grad()
    def fill(
        self,
        batches: Iterable[tuple[Sequence[str | Path], torch.Tensor]],
        n_recordings: int,
        n_samples: int,
        device: str = "cpu",
    ) -> None:
        """Encode recordings and write their embeddings.

        Arguments
        ---------
        batches : Iterable
            Pairs of paths and their waveforms [B, N].
        n_recordings : int
            Of all batches together, for the progress bar.
        n_samples : int
            N of a usual batch, to estimate the space that is needed.
        device : str
            Where to encode.

        Raises
        ------
        InputError
            If the embeddings cannot be written, such as on a full disk.
        """
        encoder = self.encoder.to(device)
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            self._check_space(n_recordings, n_samples)
            with atomic_path(self.folder / SETTINGS_FILE) as temporary:
                temporary.write_text(json.dumps(encoder.settings, indent=2))
            progress = tqdm(
                total=n_recordings, desc="Encoding", unit="clip", leave=False
            )
            with progress:
                for wavs, waveforms in batches:
                    embeddings = encoder(waveforms.to(device)).cpu().half()
                    for wav, embedding in zip(wavs, embeddings, strict=True):
                        self._write(
                            self._path(wav, waveforms.shape[1]), embedding
                        )
                    progress.update(len(wavs))
        except OSError as error:
            raise InputError(
                f"The embeddings cannot be kept in {self.folder} "
                f"({error.strerror or error}): make room there, or encode in "
                "every step (cache: null). What was written remains."
            ) from error

    def _check_space(self, n_recordings: int, n_samples: int) -> None:
        """Refuse to begin what the disk has no room for."""
        frames = self.encoder.n_frames(n_samples)
        needed = n_recordings * frames * self.encoder.size * 2
        free = shutil.disk_usage(self.folder).free
        if needed > free:
            raise OSError(
                0,
                f"they take {needed / 1e9:.1f} GB, {free / 1e9:.1f} GB are "
                "free",
            )

    def _path(self, wav: str | Path, n_samples: int) -> Path:
        """The file of a recording's embeddings."""
        stat = Path(wav).stat()
        what = [str(wav), stat.st_size, stat.st_mtime_ns, n_samples]
        name = hashlib.sha256(json.dumps(what).encode()).hexdigest()[:32]
        return self.folder / name[:2] / f"{name}.npy"

    @staticmethod
    def _write(path: Path, embedding: torch.Tensor) -> None:
        path.parent.mkdir(exist_ok=True)
        with atomic_path(path) as temporary, open(temporary, "wb") as file:
            np.save(file, embedding.numpy())
