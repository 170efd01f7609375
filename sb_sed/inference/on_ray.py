"""Detection in many files on all machines of a Ray cluster.

Ray (Moritz et al., OSDI 2018) starts the processes, finds those that were lost
and starts others. Here they are actors, which hold the detector, and read the
recordings from storage that all machines share.

Authors
 * sb_sed contributors 2026
"""

import os
from collections import deque
from collections.abc import Generator, Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import islice
from pathlib import Path

from sb_sed.errors import InputError, brief
from sb_sed.inference.batch import AHEAD, FileResult, Output, detect_recording
from sb_sed.inference.processes import LOST
from sb_sed.inference.source import Source

# Times that a file may lose its process before it is skipped.
_RETRIES = 2
# Files that an actor has at a time, so that it does not wait for the next one.
_EACH = 2
_SECONDS = 1.0
_OBJECT_BYTES = 2**27  # results are small


def detect_on_ray(
    source: Source,
    files: Mapping[str, Path],
    threads: int = 1,
    outputs: Sequence[Output] = (),
) -> Generator[FileResult, None, None]:
    """Detect in files on a Ray cluster.

    That of ``RAY_ADDRESS``, the one that is connected, or else one on this
    machine, which ends with the work. Whatever an actor loses with its process
    or its machine is processed again; a file that ends its process again and
    again is skipped.

    Arguments
    ---------
    source : Source
        The detector; each actor loads it. With the device ``cuda`` there is an
        actor for each GPU, otherwise one for every ``threads`` processors.
    files : Mapping[str, Path]
        As of :func:`~sb_sed.inference.batch.detect_files`.
    threads : int
        That work on one file.
    outputs : Sequence[Callable]
        As of ``detect_files``; they are copied to the actors.

    Yields
    ------
    FileResult
        Of each file, in their order, without scores.

    Raises
    ------
    InputError
        If Ray is not installed, its cluster cannot be reached or has no
        processor to spare, or the detector cannot be loaded there.
    """
    ray = _required()
    files = {name: Path(path).absolute() for name, path in files.items()}
    with _connected(ray):
        actors = _actors(ray, source.absolute(), threads, outputs)
        try:
            yield from _in_order(ray, actors, files)
        finally:
            for actor in actors:
                ray.kill(actor)


def _in_order(
    ray, actors: Sequence, files: Mapping[str, Path]
) -> Generator[FileResult, None, None]:
    """Keep all actors busy; yield the results in the order of the files."""
    todo, idle = iter(enumerate(files.items())), deque(_EACH * [*actors])
    working, finished, due = {}, {}, 0
    n_begun, limit = 0, AHEAD * len(actors)
    try:
        while due < len(files):
            n_more = min(len(idle), due + limit - n_begun)
            for place, item in islice(todo, max(0, n_more)):
                actor = idle.popleft()
                working[actor.detect.remote(*item)] = place, item[0], actor
                n_begun += 1
            ready, _ = ray.wait([*working], timeout=_SECONDS)
            for reference in ready:
                place, name, actor = working.pop(reference)
                finished[place] = _result(ray, reference, name)
                idle.append(actor)
            while due in finished:
                yield finished[due]
                del finished[due]
                due += 1
    except KeyboardInterrupt:
        for place in sorted(finished):
            yield finished[place]
        raise


def _result(ray, reference, name: str) -> FileResult:
    """Return a result, or that the file ended its process each time."""
    try:
        return ray.get(reference)
    except ray.exceptions.RayActorError:
        return FileResult(name, reason=LOST)


class _Detecting:
    """What an actor does."""

    def __init__(self, source: Source, threads: int, outputs: Sequence[Output]):
        self.detector, self.outputs = source.load(threads), outputs
        self.detector.use_threads(threads)

    def is_ready(self) -> bool:
        """Whether the detector has been loaded."""
        return True

    def detect(self, name: str, path: Path) -> FileResult:
        """Detect in a recording."""
        return detect_recording(
            self.detector, name, path, self.outputs, is_shown=False
        )


def _actors(
    ray, source: Source, threads: int, outputs: Sequence[Output]
) -> list:
    """Start as many actors as the cluster has room for."""
    resources = ray.cluster_resources()
    on_gpu = (source.device or "").startswith("cuda")
    n_actors = int(resources.get("CPU", 0)) // threads
    if on_gpu:
        n_actors = min(n_actors, int(resources.get("GPU", 0)))
    if n_actors < 1:
        raise InputError(
            f"The Ray cluster has no {'GPU' if on_gpu else 'processor'} for "
            f"{threads} threads: add machines to it, or give fewer --threads."
        )
    kind = ray.remote(_Detecting).options(
        num_cpus=threads,
        num_gpus=int(on_gpu),
        max_restarts=-1,
        max_task_retries=_RETRIES,
    )
    actors = [kind.remote(source, threads, outputs) for _ in range(n_actors)]
    try:
        ray.get(actors[0].is_ready.remote())
    except ray.exceptions.RayError as error:
        raise InputError(
            "The detector cannot be loaded by Ray's workers "
            f"({brief(error)}): install sb_sed there, and put what it reads "
            "where all machines find it."
        ) from error
    return actors


@contextmanager
def _connected(ray) -> Iterator[None]:
    """Connect to a cluster, unless one is connected."""
    if ray.is_initialized():
        yield
        return
    # Nothing is reported to anyone about a cluster of this process.
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    address = os.environ.get("RAY_ADDRESS")
    local = {
        "address": "local",
        "num_cpus": os.cpu_count(),
        "include_dashboard": False,
        "object_store_memory": _OBJECT_BYTES,
    }
    try:
        ray.init(
            **({"address": address} if address else local),
            logging_level="ERROR",
            log_to_driver=False,
        )
    except (OSError, RuntimeError, ValueError) as error:
        raise InputError(
            f"The Ray cluster {address or 'of this machine'} cannot be reached "
            f"({brief(error)}): check RAY_ADDRESS."
        ) from error
    try:
        yield
    finally:
        ray.shutdown()


def _required():
    try:
        import ray
    except ImportError as error:
        raise InputError(
            "--engine ray needs the package ray, which is not installed: "
            'pip install "sb_sed[ray]".'
        ) from error
    return ray
