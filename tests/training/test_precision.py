"""The precision that the machine is fast in."""

import pytest
import torch

from sb_sed.training.precision import fastest_precision


@pytest.mark.parametrize("fast", [True, False])
def test_on_a_cpu(monkeypatch, fast):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(torch.cpu, "_is_avx512_bf16_supported", lambda: fast)
    assert fastest_precision() == ("bf16" if fast else "fp32")


@pytest.mark.parametrize("fast", [True, False])
def test_on_a_gpu(monkeypatch, fast):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    # Emulated bfloat16 is not fast.
    monkeypatch.setattr(
        torch.cuda,
        "is_bf16_supported",
        lambda including_emulation=True: including_emulation or fast,
    )
    assert fastest_precision() == ("bf16" if fast else "fp32")


def test_this_machine_has_what_is_asked():
    assert fastest_precision() in ("bf16", "fp32")
