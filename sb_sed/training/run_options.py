"""SpeechBrain's run options: which of them work, here and on this machine.

Authors
 * sb_sed contributors 2026
"""

from collections.abc import Mapping
from dataclasses import replace

import torch
from speechbrain.utils.distributed import (
    ddp_init_group,
    get_local_rank,
    infer_device,
)
from speechbrain.utils.run_opts import RunOptions

from sb_sed.errors import InputError, brief

_RUNNABLE = "leave it out, or take --device=cpu"


def join_processes(run_opts: RunOptions) -> RunOptions:
    """Check the run options; join the other processes where there are any.

    Arguments
    ---------
    run_opts : RunOptions
        SpeechBrain's, as of ``speechbrain.parse_arguments``.

    Returns
    -------
    RunOptions
        The same, all of them of the right type.

    Raises
    ------
    InputError
        If this machine or the detectors' training lacks what one asks for.
    """
    limit = run_opts.get("optimizer_step_limit")
    if isinstance(limit, str):  # SpeechBrain leaves it as it was typed
        if not limit.isdecimal():
            raise InputError(
                f"--optimizer_step_limit={limit} is no whole number: give the "
                "most steps of the optimiser."
            )
        run_opts = replace(run_opts, optimizer_step_limit=int(limit))
    check_run_options(run_opts)
    ddp_init_group(run_opts)
    return run_opts


def fastest_precision() -> str:
    """Return ``bf16`` where the hardware computes in it, else ``fp32``.

    On a CPU without bfloat16 instructions, autocast works but is slower than
    single precision. ``benchmarks/training_step.py`` measures both. The scores
    of a training differ with the precision, and so from machine to machine:
    ``--precision=fp32`` is the same everywhere.

    Returns
    -------
    str
        For SpeechBrain's run option ``precision``.

    Example
    -------
    >>> fastest_precision() in ("bf16", "fp32")
    True
    """
    if torch.cuda.is_available():
        fast = torch.cuda.is_bf16_supported(including_emulation=False)
    else:
        fast = torch.cpu._is_avx512_bf16_supported()
    return "bf16" if fast else "fp32"


def check_run_options(run_opts: Mapping, hparams: Mapping = {}) -> None:
    """Make sure that a training can run as its options ask.

    Arguments
    ---------
    run_opts : Mapping
        SpeechBrain's run options.
    hparams : Mapping
        The recipe's hyperparameters: ``modules``, and run options that it
        sets, such as ``precision``.

    Raises
    ------
    InputError
        If it cannot.

    Example
    -------
    >>> check_run_options({"precision": "fp16", "device": "cpu"})
    Traceback (most recent call last):
    ...
    sb_sed.errors.InputError: --precision=fp16 needs a GPU: take bf16 or fp32...
    """
    device = device_of(run_opts)
    _check_device(device)
    _check_precision(run_opts, hparams, device)
    for name in ("jit", "jit_module_keys"):
        if run_opts.get(name):
            raise InputError(
                f"--{name}: TorchScript cannot compile the detectors: leave it "
                "out, or take --compile."
            )
    known = {*hparams.get("modules", ()), "discriminator"}
    unknown = {*(run_opts.get("compile_module_keys") or ())} - known
    if "modules" in hparams and unknown:
        raise InputError(
            f"--compile_module_keys: there is no module {min(unknown)!r}: name "
            f"some of {', '.join(sorted(known))}."
        )
    if run_opts.get("data_parallel_backend"):
        raise InputError(
            "--data_parallel_backend does not train a mean teacher: start "
            "train.py by torchrun for several GPUs."
        )
    if run_opts.get("profile_training"):
        raise InputError(
            "--profile_training is not supported: take a profiler of the whole "
            "process, such as py-spy or torch.profiler."
        )
    intervals = ("ckpt_interval_minutes", "ckpt_interval_steps")
    if all(run_opts.get(name, 0) > 0 for name in intervals):
        raise InputError(f"--{' and --'.join(intervals)}: give one of the two.")
    if run_opts.get("grad_accumulation_factor", 1) < 1:
        raise InputError(
            "--grad_accumulation_factor is below 1: give the number of batches "
            "in a step."
        )
    if get_local_rank() is not None:
        _check_backend(run_opts)


def device_of(run_opts: Mapping) -> str:
    """Return the device that SpeechBrain's Brain will take."""
    return str(run_opts.get("device") or infer_device())


def _check_device(device: str) -> None:
    """Make sure that the device is there and computes what is needed."""
    try:
        # The means of the log are in double precision.
        float(torch.zeros((), dtype=torch.float64, device=device))
    except (RuntimeError, AssertionError, TypeError, ImportError) as error:
        raise InputError(
            f"--device={device} cannot be used here ({brief(error)}): "
            f"{_RUNNABLE}."
        ) from error


def _check_precision(run_opts: Mapping, hparams: Mapping, device: str) -> None:
    """Make sure that the precisions of training and evaluation fit a device."""
    given = run_opts.get("overridden_args", run_opts)
    for name in ("precision", "eval_precision"):
        precision = (run_opts if name in given else hparams).get(name, "fp32")
        if precision not in ("fp32", "fp16", "bf16"):
            raise InputError(
                f"{name} is {precision!r}: take fp32, bf16 or, on a GPU, fp16."
            )
        if name == "precision" and run_opts.get("auto_mix_prec"):
            precision = "fp16"
        if precision == "fp16" and not device.startswith("cuda"):
            raise InputError(
                f"--{name}=fp16 needs a GPU: take bf16 or fp32 on {device}."
            )


def _check_backend(run_opts: Mapping) -> None:
    """Make sure that the processes of ``torchrun`` can talk to each other."""
    backend = run_opts.get("distributed_backend", "nccl")
    n_gpus = torch.cuda.device_count()
    if backend != "gloo" and get_local_rank() >= n_gpus:
        raise InputError(
            f"torchrun starts more processes than this machine has GPUs "
            f"({n_gpus}): start fewer, or add --device=cpu "
            "--distributed_backend=gloo."
        )
    available = getattr(torch.distributed, f"is_{backend}_available", None)
    if available is None or not available():
        raise InputError(
            f"--distributed_backend={backend} is not in this PyTorch: take "
            "gloo on CPUs, nccl on GPUs."
        )
