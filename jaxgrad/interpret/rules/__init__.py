"""What each primitive means, by family; importing this package registers every rule."""

from jaxgrad.interpret.rules import (
    control,
    convolutions,
    elementwise,
    linear,
    linear_algebra,
    linear_solve,
    order,
    scatter,
    structural,
    windows,
)
from jaxgrad.interpret.rules.registry import RULES, rule

__all__ = [
    "RULES",
    "control",
    "convolutions",
    "elementwise",
    "linear",
    "linear_algebra",
    "linear_solve",
    "order",
    "rule",
    "scatter",
    "structural",
    "windows",
]
