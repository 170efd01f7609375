"""Installs sb_sed, sound event detection for SpeechBrain."""

import re
import shutil
from pathlib import Path

from setuptools import find_packages, setup
from setuptools.command.build_py import build_py

ROOT = Path(__file__).parent
# What `sb-sed new` copies lies beside the package; a wheel has it inside.
STARTERS = ["templates/sound_event_detection"]
STARTERS += ["recipes/DCASE2020", "recipes/RealDESED"]
LEFT_BEHIND = shutil.ignore_patterns(
    "__pycache__", "results", "minidesed*", "minirealdesed*", ".*"
)


class BuildWithStarters(build_py):
    """Also puts the template and the recipes into the package that is built."""

    def run(self):
        super().run()
        if self.editable_mode:
            return
        for starter in STARTERS:
            target = Path(self.build_lib, "sb_sed", "starters", starter)
            shutil.copytree(
                ROOT / starter, target, ignore=LEFT_BEHIND, dirs_exist_ok=True
            )


version = re.search(
    r'^__version__ = "(.+)"$', (ROOT / "sb_sed/__init__.py").read_text(), re.M
)[1]
onnx = ["onnx", "onnxscript", "onnxruntime", "torch>=2.8"]
# Annotations in Praat's and other programs' formats.
annotations = ["crowsetta"]
# The index of embeddings.
search = ["usearch"]
# What the recipe for DCASE 2020 needs beside the rest: Conv-TasNet's blocks for
# the discriminator, curves, the paper's search. pesq (of asteroid) is compiled.
recipe = ["asteroid>=0.7", "scikit-optimize", "tensorboard"]

setup(
    name="sb_sed",
    version=version,
    description="Sound event detection as a plug-in of SpeechBrain",
    long_description=(ROOT / "README.md").read_text("utf-8"),
    long_description_content_type="text/markdown",
    author="sb_sed contributors",
    license="Apache-2.0",
    license_files=["LICENSE", "sb_sed/encoders/yamnet_data/LICENSE*"],
    keywords=[
        "sound event detection",
        "DCASE",
        "DESED",
        "SpeechBrain",
        "PCEN",
        "mean teacher",
        "domain adaptation",
        "PSDS",
        "audio tagging",
    ],
    classifiers=[
        "Development Status :: 4 - Beta",
        "Environment :: Console",
        "Intended Audience :: Developers",
        "Intended Audience :: Science/Research",
        "Operating System :: POSIX",
        "Programming Language :: Python :: 3",
        # 3.11 is tested with each change, the others as CONTRIBUTING.md says.
        "Programming Language :: Python :: 3.10",
        "Programming Language :: Python :: 3.11",
        "Programming Language :: Python :: 3.13",
        "Topic :: Multimedia :: Sound/Audio :: Analysis",
        "Topic :: Scientific/Engineering :: Artificial Intelligence",
        "Typing :: Typed",
    ],
    packages=find_packages(include=["sb_sed", "sb_sed.*"]),
    package_data={
        "sb_sed": ["py.typed"],
        "sb_sed.report": ["templates/*"],
        # YAMNet's weights, with their own licence and notice.
        "sb_sed.encoders": ["yamnet_data/*"],
    },
    cmdclass={"build_py": BuildWithStarters},
    python_requires=">=3.10",
    install_requires=[
        "speechbrain>=1.1",
        # torch and torchaudio must be of one flavour: both CUDA or both CPU.
        "torch>=2.7.1",
        "torchaudio>=2.7.1",
        "hyperpyyaml>=1.2.3",
        "safetensors",
        "soundfile",
        "soxr",
        "sed_eval>=0.2.1",
        # sed_eval's dcase_util imports pkg_resources.
        "setuptools<81",
        "hmmlearn>=0.3",
        # Not tested with pandas 3: sed_scores_eval 0.0.4 (below) fails there.
        "pandas<3",
        "numpy",
        "scipy",
        "scikit-learn",
        "ruamel.yaml",
        "jinja2",
        "pillow",
        "matplotlib",
        "tqdm",
    ],
    extras_require={
        "recipe": recipe,
        "onnx": onnx,
        "annotations": annotations,
        "search": search,
        # Detection on several machines.
        "ray": ["ray>=2.10"],
        # The documentation as HTML; ruff breaks the lines of signatures.
        "docs": [
            "mkdocs<2",
            "mkdocs-material",
            "mkdocs-jupyter",
            "mkdocstrings[python]",
            "ruff",
        ],
        "test": [
            *recipe,
            *onnx,
            *annotations,
            *search,
            "playwright",
            "pytest",
            "pytest-xdist",
            "hypothesis",
            "sed_scores_eval>=0.0.4",
            "librosa",
            "ruff",
            "mypy",
            "yamllint",
            "codespell",
            # For the tutorial, which is a notebook.
            "nbclient",
            "ipykernel",
        ],
    },
    entry_points={"console_scripts": ["sb-sed=sb_sed.cli.main:main"]},
)
