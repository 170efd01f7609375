"""MiniDESED: a procedural miniature of DESED in the official layout.

Authors
 * sb_sed contributors 2026
"""

from sb_sed.minidesed.dataset import (
    RECORDED,
    SYNTHETIC,
    make_minidesed,
)

__all__ = ["RECORDED", "SYNTHETIC", "make_minidesed"]
