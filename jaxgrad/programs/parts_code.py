"""Complex arguments and results in parts, in code to paste, which needs nothing of this package.

What :mod:`~jaxgrad.programs.real_parts` does to a function, in a few lines.
"""

from __future__ import annotations

from collections.abc import Sequence

__all__ = ["of_parts_lines"]

_OF_PARTS = """\
Parts = collections.namedtuple("Parts", "real imag")  # of complex numbers
def of_parts(function):
    def joined(x):
        return jax.lax.complex(*map(jnp.asarray, x)) if isinstance(x, Parts) else x
    def split(y):
        return Parts(jnp.real(y), jnp.imag(y)) if jnp.iscomplexobj(y) else y
    def called(*args):
        args = jax.tree.map(joined, args, is_leaf=lambda x: isinstance(x, Parts))
        return jax.tree.map(split, function(*args))
    return called""".splitlines()
_OF_ARRAYS = "jax.lax.complex(*map(jnp.asarray, x))"
_OF_NUMPY = "np.asarray(jax.lax.complex(*x))"


def of_parts_lines(
    functions: dict[str, str], lines: Sequence[str], numpy: bool = False
) -> list[str]:
    """Lines that call functions of parts, after what makes these of functions of complex numbers.

    Args:
        functions: what each is made of.
        lines: those that call them, their imports first.
        numpy: whether what they are called on is known, and handed on as arrays of NumPy.

    Example:
        >>> lines = of_parts_lines({"f": "g"}, ["print(f(Parts(1.0, 2.0)).imag)"])
        >>> exec("\\n".join(lines), {"g": lambda z: z * z})
        4.0
    """
    before = ["import collections", "import jax", "import jax.numpy as jnp"]
    before += ["import numpy as np"] * numpy
    made = [f"{name} = of_parts({of})" for name, of in functions.items()]
    code = [line.replace(_OF_ARRAYS, _OF_NUMPY) for line in _OF_PARTS] if numpy else _OF_PARTS
    return [*before, *code, *made, *(line for line in lines if line not in before)]
