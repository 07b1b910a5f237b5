"""The networks of the document and their gradients by hand, in plain JAX."""

from jaxgrad.networks.activations import Activation
from jaxgrad.networks.layers import affine, layer, output_layer
from jaxgrad.networks.network import Chain, Dense, Network, Parameters
from jaxgrad.networks.pictures import drawn_speeds, layer_speeds

__all__ = [
    "Activation",
    "Chain",
    "Dense",
    "Network",
    "Parameters",
    "affine",
    "drawn_speeds",
    "layer",
    "layer_speeds",
    "output_layer",
]
