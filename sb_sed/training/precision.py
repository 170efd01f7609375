"""The fastest precision of the machine at hand.

Authors
 * sb_sed contributors 2026
"""

import torch


def fastest_precision() -> str:
    """``bf16`` where the hardware computes in it, else ``fp32``.

    On a CPU without bfloat16 instructions, autocast works but is slower than
    single precision. ``benchmarks/training_step.py`` measures both.

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
