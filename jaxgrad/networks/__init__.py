"""The networks of the document and their gradients by hand, in plain JAX."""

from jaxgrad.networks.network import Chain, Dense, Network, Parameters

__all__ = ["Chain", "Dense", "Network", "Parameters"]
