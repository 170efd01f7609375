"""Installs sb_sed, sound event detection for SpeechBrain."""

from pathlib import Path

from setuptools import find_packages, setup

setup(
    name="sb_sed",
    version="0.1.0",
    description="Sound event detection as a plug-in of SpeechBrain",
    long_description=Path(__file__).with_name("README.md").read_text("utf-8"),
    long_description_content_type="text/markdown",
    author="sb_sed contributors",
    license="Apache-2.0",
    packages=find_packages(include=["sb_sed", "sb_sed.*"]),
    package_data={
        "sb_sed.report": ["templates/*"],
        # YAMNet's weights, with their own licence and notice.
        "sb_sed.encoders": ["yamnet_data/*"],
    },
    python_requires=">=3.10",
    install_requires=[
        "speechbrain>=1.1",
        # torch and torchaudio must be of one flavour: both CUDA or both CPU.
        "torch>=2.7.1",
        "torchaudio>=2.7.1",
        "asteroid>=0.7",
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
        "scikit-optimize",
        "ruamel.yaml",
        "jinja2",
        "pillow",
        "matplotlib",
        "tensorboard",
        "tqdm",
    ],
    extras_require={
        "onnx": ["onnx", "onnxscript", "onnxruntime", "torch>=2.8"],
        "test": [
            "onnx",
            "onnxscript",
            "onnxruntime",
            "playwright",
            "pytest",
            "pytest-xdist",
            "hypothesis",
            "sed_scores_eval>=0.0.4",
            "librosa",
            "ruff",
            "yamllint",
            "codespell",
        ],
    },
    entry_points={"console_scripts": ["sb-sed=sb_sed.cli.main:main"]},
)
