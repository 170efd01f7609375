"""Run options that a machine, or the training of detectors, lacks."""

import pytest
import speechbrain as sb
import torch

from sb_sed.errors import InputError
from sb_sed.training.run_options import (
    check_run_options,
    device_of,
    fastest_precision,
    join_processes,
)


def options(*arguments):
    """The run options of a command line."""
    return sb.parse_arguments(["train.yaml", *arguments])[1]


@pytest.fixture(autouse=True)
def no_gpu(monkeypatch):
    """As on a machine without GPUs."""
    monkeypatch.setattr(torch.accelerator, "is_available", lambda: False)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 0)


@pytest.mark.parametrize(
    "arguments, sentence",
    [
        (["--device=foo"], "--device=foo cannot be used here .*--device=cpu"),
        (["--device=meta"], "--device=meta cannot be used here"),
        (["--device=cuda:x"], "--device=cuda:x cannot be used here"),
        (["--precision=fp16"], "--precision=fp16 needs a GPU: take bf16"),
        (["--eval_precision=fp16"], "--eval_precision=fp16 needs a GPU"),
        (["--auto_mix_prec"], "fp16 needs a GPU"),
        (["--jit"], "--jit: TorchScript"),
        (["--jit_module_keys", "student"], "--jit_module_keys: TorchScript"),
        (["--data_parallel_backend"], "torchrun for several GPUs"),
        (["--profile_training"], "not supported"),
        (["--grad_accumulation_factor=0"], "below 1"),
        (["--optimizer_step_limit=few"], "is no whole number"),
        (
            ["--ckpt_interval_minutes=1", "--ckpt_interval_steps=1"],
            "give one of the two",
        ),
    ],
)
def test_what_cannot_run_is_one_sentence(arguments, sentence):
    with pytest.raises(InputError, match=sentence):
        join_processes(options(*arguments))


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU")
@pytest.mark.parametrize("device", ["cuda", "cuda:1", "mps"])
def test_a_device_that_is_not_there(device):
    with pytest.raises(InputError, match=f"--device={device} cannot be used"):
        check_run_options(options(f"--device={device}"))


def test_what_the_recipe_sets_counts_too():
    with pytest.raises(InputError, match="--precision=fp16 needs a GPU"):
        check_run_options(options(), {"precision": "fp16"})
    check_run_options(options("--precision=bf16"), {"precision": "fp16"})
    with pytest.raises(InputError, match="precision is 'half'"):
        check_run_options(options(), {"precision": "half"})


def test_modules_to_compile():
    given = options("--compile", "--compile_module_keys", "network")
    with pytest.raises(InputError, match="no module 'network': .* student"):
        check_run_options(given, {"modules": {"student": None}})


def test_processes_of_torchrun(monkeypatch):
    monkeypatch.setenv("RANK", "1")
    monkeypatch.setenv("LOCAL_RANK", "1")
    with pytest.raises(InputError, match="--distributed_backend=gloo"):
        check_run_options(options("--device=cpu"))
    with pytest.raises(InputError, match="backend=mpi is not in this PyTorch"):
        monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
        check_run_options(options("--device=cpu", "--distributed_backend=mpi"))
    check_run_options(options("--device=cpu", "--distributed_backend=gloo"))


def test_what_can_run_passes():
    given = options(
        *("--compile", "--precision=bf16", "--grad_accumulation_factor=2"),
        "--optimizer_step_limit=5",
    )
    given = join_processes(given)
    assert given.optimizer_step_limit == 5
    assert device_of(given) == "cpu"


# The precision that the machine is fast in


@pytest.mark.parametrize("fast", [True, False])
def test_precision_on_a_cpu(monkeypatch, fast):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(torch.cpu, "_is_avx512_bf16_supported", lambda: fast)
    assert fastest_precision() == ("bf16" if fast else "fp32")


@pytest.mark.parametrize("fast", [True, False])
def test_precision_on_a_gpu(monkeypatch, fast):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    # Emulated bfloat16 is not fast.
    monkeypatch.setattr(
        torch.cuda,
        "is_bf16_supported",
        lambda including_emulation=True: including_emulation or fast,
    )
    assert fastest_precision() == ("bf16" if fast else "fp32")


def test_this_machine_has_the_fastest_precision():
    assert fastest_precision() in ("bf16", "fp32")
