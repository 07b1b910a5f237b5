"""What the document says of activations and networks, as properties of functions of your own.

A property is a function: it takes yours, lets Hypothesis look for a counterexample, and raises
with the first and smallest one as code that can be pasted, or returns what was tried as evidence.
What passes AGREES; it is not proved. Whatever is asserted is asserted of what the *compiled*
program returns, except where ``exact=True`` asks for the formula.

Example:
    >>> import jax
    >>> print(derivative_takes(jax.nn.relu, {0, 1}, dtypes="float16", max_examples=10))
    AGREES: the derivative of f is one of 0, 1, as compiled, at all ... floats of float16 that were
    tried
"""

from inspect import isfunction

from jaxgrad.programs.callers_frames import offered
from jaxgrad.properties.by_hand import (
    derivative_rules,
    gradient_by_hand,
    network_gradient_by_hand,
)
from jaxgrad.properties.depth import gradient_kept, gradient_shrinks
from jaxgrad.properties.growth import increasing
from jaxgrad.properties.of_derivatives import (
    derivative_above,
    derivative_below,
    derivative_finite,
    derivative_takes,
)
from jaxgrad.properties.ranges import Range, derivative_range

__all__ = [
    "Range",
    "derivative_above",
    "derivative_below",
    "derivative_finite",
    "derivative_range",
    "derivative_rules",
    "derivative_takes",
    "gradient_by_hand",
    "gradient_kept",
    "gradient_shrinks",
    "increasing",
    "network_gradient_by_hand",
]

for _name in __all__:
    if isfunction(globals()[_name]):
        globals()[_name] = offered(globals()[_name])
