"""What each primitive means, by family; importing this package registers every rule."""

from jaxgrad.rules import control, elementwise, linear, order, scatter, structural
from jaxgrad.rules.registry import RULES, rule

__all__ = ["RULES", "control", "elementwise", "linear", "order", "rule", "scatter", "structural"]
