"""MiniDESED and MiniRealDESED: procedural miniatures in the official layouts.

Authors
 * sb_sed contributors 2026
"""

from sb_sed.minidesed.dataset import (
    RECORDED,
    SYNTHETIC,
    make_minidesed,
)
from sb_sed.minidesed.realdesed import make_minirealdesed

__all__ = ["RECORDED", "SYNTHETIC", "make_minidesed", "make_minirealdesed"]
