"""The floats of derivatives of order 2 and more: of a function that is a derivative itself.

The inner derivatives are taken along a drawn vector of ±1, or along the only entry; of what they
return the last one is judged, as the derivative of any function is.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import jax
import numpy as np

from jaxgrad.gradients.floats.code import paste_higher
from jaxgrad.gradients.floats.derivatives import not_run, rule_floats
from jaxgrad.gradients.floats.programs import in_dtype, precise_enough, refusals, signs
from jaxgrad.gradients.floats.result import FloatResult
from jaxgrad.gradients.rules.derivative_programs import Derivatives
from jaxgrad.gradients.rules.primal import Primal

__all__ = ["higher_floats"]


def higher_floats(
    primal: Primal, modes: tuple[str, ...], dtype: Any, points: Sequence[list[np.ndarray]]
) -> tuple[FloatResult, ...]:
    """Holds the compiled derivatives of a composition of modes against their formulas.

    Args:
        primal: the function.
        modes: two or more, the innermost first.
        dtype: of all floating-point leaves.
        points: values of the floating-point leaves, the given point first.

    Returns:
        as :func:`~jaxgrad.gradients.floats.derivatives.rule_floats`.

    Example:
        >>> import jax
        >>> primal = Primal(jax.numpy.tanh, (np.float32(0.5),))
        >>> (found,) = higher_floats(primal, ("rev", "fwd"), np.float32, [primal.point])
        >>> str(found)
        'STABLE rev then fwd float32: ∂(∂f/∂x)/∂x: 2 floats'
    """
    name = " then ".join(modes)
    with precise_enough(dtype):
        try:
            inner = _Inner(in_dtype(primal, dtype), ())
            for mode in modes[:-1]:
                inner = inner.differentiated(mode)
            results = rule_floats(inner.primal, modes[-1:], None, points)
        except refusals(primal, dtype) as error:
            return (not_run(name, dtype, error),)
        return tuple(inner.told(found, name) for found in results)


@dataclass(frozen=True)
class _Inner:
    """A function that is a derivative along a drawn vector of ±1.

    Args:
        base: the function that was differentiated.
        taken: each derivative, the innermost first: the mode and the vector.
    """

    base: Primal
    taken: tuple[tuple[str, tuple[Any, ...]], ...]
    derived: Primal | None = None

    @property
    def primal(self) -> Primal:
        return self.derived or self.base

    def differentiated(self, mode: str) -> _Inner:
        """Once more."""
        primal = self.primal
        forward = mode == "fwd"
        shapes = [leaf.shape for leaf in (primal.inputs if forward else primal.outputs)]
        like = primal.like_inputs if forward else primal.like_outputs
        vector = like(signs(shapes, None).leaves)
        slopes = Derivatives(primal).slopes(mode, None)

        def function(*leaves: Any) -> list[Any]:
            return jax.tree.leaves(slopes.function(leaves, vector))

        return replace(
            self,
            taken=(*self.taken, (mode, vector)),
            derived=Primal(function, tuple(primal.point)),
        )

    def told(self, found: FloatResult, name: str) -> FloatResult:
        """A result in the names of the arguments and results of the function itself."""
        inputs = {x.path: y.path for x, y in zip(self.primal.inputs, self.base.inputs, strict=True)}
        outputs = self._outputs()
        point = found.point
        for path, own in inputs.items():
            point = point.replace(f"{path} = ", f"{own} = ")
        code = found.code and paste_higher(self.base, self.taken, found.code)
        return replace(
            found,
            mode=name,
            path=inputs.get(found.path, found.path),
            output=outputs.get(found.output, found.output),
            point=point,
            code=code,
        )

    def _outputs(self) -> dict[str, str]:
        """What each output of the last inner derivative is."""
        names = [f"f{leaf.path}" for leaf in self.base.outputs]
        by = [leaf.path for leaf in self.base.inputs]
        for mode, _ in self.taken:
            whole = names[0] if len(names) == 1 else "f"
            names = (
                [f"(∂{x})" for x in names] if mode == "fwd" else [f"(∂{whole}/∂{x})" for x in by]
            )
        return {f"f{x.path}": y for x, y in zip(self.primal.outputs, names, strict=True)}
