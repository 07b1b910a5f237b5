"""What each primitive means, by family; importing this package registers every rule."""

from jaxgrad.interpret.rules import (
    complex_angle,
    complex_matrices,
    control,
    convolutions,
    elementwise,
    linear,
    linear_algebra,
    linear_solve,
    next_floats,
    order,
    scatter,
    structural,
    windows,
)
from jaxgrad.interpret.rules.registry import RULES, rule
from jaxgrad.programs import complex_functions, complex_structure, fourier, pallas_kernels

__all__ = [
    "RULES",
    "complex_angle",
    "complex_functions",
    "complex_matrices",
    "complex_structure",
    "control",
    "convolutions",
    "elementwise",
    "fourier",
    "linear",
    "linear_algebra",
    "linear_solve",
    "next_floats",
    "order",
    "pallas_kernels",
    "rule",
    "scatter",
    "structural",
    "windows",
]
