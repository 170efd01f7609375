"""The report: what a detector hears and mistakes, as a page to listen to.

Authors
 * sb_sed contributors 2026
"""

from sb_sed.report.inputs import Inputs, gather
from sb_sed.report.page import write_page

__all__ = ["Inputs", "gather", "write_page"]
