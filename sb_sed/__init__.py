"""sb_sed: sound event detection as a plug-in of SpeechBrain and Asteroid."""

import os

__version__ = "0.1.0"

# PyTorch's threads wait for one another thousands of times in a training step.
# By default each wait spins for milliseconds, also where another process needs
# the core to get on: beside two busy processes a step took up to twenty times
# as long. They now sleep after some microseconds (benchmarks/busy_machine.py).
# OpenMP reads this when PyTorch is loaded, so sb_sed has to be imported first.
_WAITING = {"OMP_WAIT_POLICY": "PASSIVE", "GOMP_SPINCOUNT": "1000"}
if not (_WAITING.keys() | {"KMP_BLOCKTIME"}) & os.environ.keys():
    os.environ.update(_WAITING)
