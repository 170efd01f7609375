"""Names what the tests share, and keeps Hypothesis and SpeechBrain apart.

Hypothesis asks every loaded module for its file; a lazy module of SpeechBrain
answers by importing an optional package, which fails where that is missing.
"""

import pytest
from hypothesis import HealthCheck, settings
from speechbrain.utils.importutils import LazyModule

pytest_plugins = [
    "chromium",
    "desed_tree",
    "small_onnx",
    "small_recipe",
    "trained_run",
]  # of tests/fixtures

LazyModule.__file__ = None

# A busy machine is no fault of what is tested.
settings.register_profile(
    "busy", deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("busy")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport():
    """Let what a test printed pass between processes, also non-UTF-8 names."""
    report = yield
    report.sections = [
        (title, text.encode("utf-8", "backslashreplace").decode())
        for title, text in report.sections
    ]
    return report
