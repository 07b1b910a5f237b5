"""Values that no argument of a program reaches: its constants, and what is computed of them.

They are numbers of the system like any others.  A 0 among them is one whatever the arguments are,
which some systems cannot tell from a 0 that an argument is, and have their own number for.
"""

from __future__ import annotations

from typing import Any
from weakref import WeakValueDictionary

import numpy as np

from jaxgrad.interpret.rules.concrete import is_concrete
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
        self._found: WeakValueDictionary[int, Any] = WeakValueDictionary()  # by identity

    def noted(self, value: Any) -> Any:
        """A value that depends on no argument, as the system has it."""
        system = self._system
        if system is None or not isinstance(value, np.ndarray) or is_concrete(value):
            return value
        # Beside numbers there are truth values, of which None is one.
        found = system.map(lambda x: system.still(x) if _is_number(x) else x, value)
        self._found[id(found)] = found
        return found

    def outputs(self, inputs: list[Any], outputs: list[Any]) -> list[Any]:
        """What an equation returns, which depends on no argument if its inputs do not."""
        if self._system is None or not all(map(self._has, inputs)):
            return outputs
        return list(map(self.noted, outputs))

    def _has(self, value: Any) -> bool:
        return id(value) in self._found or (isinstance(value, np.ndarray) and is_concrete(value))


def _is_number(x: Any) -> bool:
    return x is not None and not isinstance(x, bool)
