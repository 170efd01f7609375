"""Names what the tests share, and keeps Hypothesis and SpeechBrain apart.

Hypothesis asks every loaded module for its file; a lazy module of SpeechBrain
answers by importing an optional package, which fails where that is missing.
"""

from speechbrain.utils.importutils import LazyModule

pytest_plugins = [
    "desed_tree",
    "small_recipe",
    "trained_run",
]  # of tests/fixtures

LazyModule.__file__ = None
