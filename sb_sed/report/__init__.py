"""The report: what a detector found and missed, as a page with the sound.

Authors
 * sb_sed contributors 2026
"""

from sb_sed.report.clips import write_figures
from sb_sed.report.inputs import Inputs, gather
from sb_sed.report.page import write_page

__all__ = ["Inputs", "gather", "write_figures", "write_page"]
