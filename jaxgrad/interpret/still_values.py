"""Values that no argument of a program reaches: its constants, and what is computed of them.

They are numbers of the system like any others.  A 0 among them is one whatever the arguments are,
which some systems cannot tell from a 0 that an argument is, and have their own number for.
"""

from __future__ import annotations

from typing import Any
from weakref import ref

import numpy as np

from jaxgrad.numbers.arrays import ArraySystem
from jaxgrad.numbers.base import NumberSystem
from jaxgrad.numbers.elements import Elements

__all__ = ["StillValues"]


class StillValues:
    """The arrays of one walk that depend on no argument.

    Args:
        arrays: those of the walk; nothing is known of numbers that come in whole arrays.
    """

    def __init__(self, arrays: ArraySystem) -> None:
        system = arrays.system if isinstance(arrays, Elements) else None
        asks = system is not None and type(system).still is not NumberSystem.still
        self._system = system if asks else None
        self._found: dict[int, ref[Any]] = {}  # by identity, as long as they live

    def noted(self, value: Any) -> Any:
        """A value that depends on no argument, as the system has it."""
        system = self._system
        if system is None or type(value) is not np.ndarray or value.dtype.kind != "O":
            return value
        known = value.reshape(-1).tolist()
        # Beside numbers there are truth values, of which None is one.
        still = [x if x is None or x is True or x is False else system.still(x) for x in known]
        if any(x is not y for x, y in zip(known, still, strict=True)):
            value = np.fromiter(still, object, value.size).reshape(value.shape)
        found, key = self._found, id(value)
        found[key] = ref(value, lambda _: found.pop(key, None))
        return value

    def outputs(self, inputs: list[Any], outputs: list[Any]) -> list[Any]:
        """What an equation returns, which depends on no argument if its inputs do not."""
        if self._system is None:
            return outputs
        for value in inputs:  # of every equation, so it is written out
            if id(value) not in self._found and (
                type(value) is not np.ndarray or value.dtype.kind == "O"
            ):
                return outputs
        return [self.noted(value) for value in outputs]
