"""Hypothesis strategies: floats, arrays, pytrees, matrices, networks and small JAX programs.

Every array of a new shape or dtype makes ``jax.jit`` compile anew, so that shapes come from a few
sizes (:func:`shapes`), and dtypes from whoever calls. Hypothesis is imported when a strategy is
asked for, so that it stays optional.

Example:
    >>> from hypothesis import find
    >>> float(find(finite_floats("bfloat16"), lambda x: x > 2))
    3.0
"""

from jaxgrad.strategies.arrays import arrays, pytrees, shapes
from jaxgrad.strategies.floats import finite_floats, floats_that_matter, values_that_matter
from jaxgrad.strategies.matrices import matrices
from jaxgrad.strategies.networks import inputs, networks, parameters, targets
from jaxgrad.strategies.programs import Program, programs

__all__ = [
    "Program",
    "arrays",
    "finite_floats",
    "floats_that_matter",
    "inputs",
    "matrices",
    "networks",
    "parameters",
    "programs",
    "pytrees",
    "shapes",
    "targets",
    "values_that_matter",
]
