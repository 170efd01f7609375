"""What the tests of contrib/ share.

Authors
 * sb_sed contributors 2026
"""

import sys
from pathlib import Path

import pytest

FOLDER = Path(__file__).parents[2] / "contrib" / "upstream"


@pytest.fixture(scope="package")
def upstream():
    """The folder of the command's modules, on the path as when it runs."""
    sys.path.insert(0, str(FOLDER))
    yield FOLDER
    sys.path.remove(str(FOLDER))
