"""The fragments of the slot ``training``."""

from pathlib import Path

import pytest
import torch
from hyperpyyaml import load_hyperpyyaml

from sb_sed.training.losses import BoundaryWeightedBCE
from sb_sed.training.recipe import Recipe

HPARAMS = Path(__file__).parents[2] / "recipes" / "DCASE2020" / "hparams"


@pytest.mark.parametrize("scale", ["", "include: scale/mini.yaml\n"])
@pytest.mark.parametrize(
    "changes, weight",
    [("", 3.0), (" {losses: {strong: {weight: 5.0}}}", 5.0)],
    ids=["as it is", "changed"],
)
def test_the_strong_loss_is_swapped(scale, changes, weight, tmp_path):
    overrides = (
        f"data_folder: {tmp_path}\noutput_folder: {tmp_path}\n{scale}"
        f"training: !include:training/boundary_weighted.yaml{changes}\n"
    )
    recipe = Recipe(HPARAMS / "baseline.yaml", overrides)
    hparams = load_hyperpyyaml(recipe.stream())
    losses = hparams["training"]["losses"]
    assert type(losses["strong"]) is BoundaryWeightedBCE
    assert type(losses["weak"]) is torch.nn.BCELoss
    shift = hparams["student"].frame_shift
    expected = BoundaryWeightedBCE(shift, weight, width=0.2)
    assert losses["strong"].weight == expected.weight
    assert torch.equal(losses["strong"].window, expected.window)
