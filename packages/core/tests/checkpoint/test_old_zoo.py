"""Names of the old zoo's checkpoints."""

import numpy as np
from ms_core.checkpoint.old_zoo import OLD_ZOO, from_old_zoo, is_old_zoo, to_old_zoo

OLD = {
    "network.backbone.b1.0.weight": np.zeros(1),
    "network.multi_box.loc_layers.0.bias": np.ones(1),
    "moments.network.multi_box.loc_layers.0.bias": np.ones(1),
    "global_step": np.ones(1),
}


def test_weights_are_taken_and_the_optimiser_is_left():
    assert list(from_old_zoo(OLD)) == ["backbone.b1.0.weight", "multi_box.loc_layers.0.bias"]
    assert OLD_ZOO.recognises(OLD)
    assert OLD_ZOO.padding == "same"


def test_there_and_back():
    weights = {name: array for name, array in OLD.items() if name.startswith("network.")}
    assert to_old_zoo(from_old_zoo(weights)) == weights


def test_a_classification_file_is_none():
    """The old MobileNetV1 has `network.` in its names too."""
    assert not is_old_zoo({"network.0.0.weight": np.zeros(1), "fc.weight": np.zeros(1)})
    assert not is_old_zoo({"multi_box.loc_layers.0.bias": np.zeros(1)})
