"""Filling a network of this package from a file, whoever wrote the file."""

from pathlib import Path

from ms_core.checkpoint import LoadReport, WeightFile
from ms_core.networks.layers import Padding
from ms_core.networks.single_shot import SingleShotNetwork
from ms_core.single_shot.weights import load_detector_weights, padding_of_weights

from ms_ssdlite_fpn.zoo import SOURCES


def load_weights(network: SingleShotNetwork, path: Path | str | WeightFile) -> LoadReport:
    """Fill `network` from a checkpoint of ours, of the old zoo, or a backbone's file.

    See `ms_core.single_shot.weights.load_detector_weights` for arguments, report and errors.
    """
    return load_detector_weights(network, path, SOURCES[network.model_name])


def padding_of(path: Path | str | WeightFile) -> Padding:
    """Padding that the weights in a file were trained with; "same" where the file does not say.

    Raises:
        UserError: unreadable file, or a padding nobody knows.
    """
    return padding_of_weights(path, (source for known in SOURCES.values() for source in known))
