"""A proof module to begin with: it runs as it is, and each line to change says so."""

from __future__ import annotations

from pathlib import Path

from jaxgrad.errors import ArgumentError

__all__ = ["TEMPLATE", "write"]

TEMPLATE = '''\
"""What this page proves, in one line.

Every function below that carries @jaxgrad.claim is run by ``jaxgrad prove``. It returns an object
with a verdict and evidence, or yields pairs of a part's name and such an object.
"""

from __future__ import annotations

from collections.abc import Iterator

import jax
import jax.numpy as jnp

import jaxgrad


# The id is what stands before the first colon of ``source``. ``expect`` is the verdict that
# counts as success: PROVED unless you say otherwise, REFUTED for a statement that you show to be
# wrong.
@jaxgrad.claim(
    "the derivative of the sigmoid is s(1 - s)",
    source="{id}: the derivative of the sigmoid",
    expect=jaxgrad.Verdict.PROVED,
)
def {name}_derivative(one: float = 1.0) -> jaxgrad.Comparison:
    """Both sides are functions of z; the point only fixes its shape and dtype.

    A constant that is a keyword parameter can be got wrong on purpose: a test calls this function
    with ``one=2.0`` and expects REFUTED, which shows that the check has power.
    """

    def by_hand(z: jax.Array) -> jax.Array:
        s = jax.nn.sigmoid(z)
        return s * (one - s)

    return jaxgrad.compare(by_hand, jax.grad(jax.nn.sigmoid), jnp.float32(0.5))


# A claim with several parts yields each one under its name; every part has its own verdict.
@jaxgrad.claim(
    "the derivative of z ** n is n z ** (n - 1)",
    source="{id}: the derivative of a power",
)
def {name}_powers() -> Iterator[tuple[str, jaxgrad.Comparison]]:
    for n in (1, 2, 3):

        def by_hand(z: jax.Array, n: int = n) -> jax.Array:
            return n * z ** (n - 1)

        def power(z: jax.Array, n: int = n) -> jax.Array:
            return z**n

        yield f"n = {{n}}", jaxgrad.compare(by_hand, jax.grad(power), jnp.float32(0.5))
'''


def write(name: str, folder: Path) -> Path:
    """Write the template as a new proof module and return its path.

    Args:
        name: the module's name, with or without ``.py``.
        folder: where it goes; made if it does not exist.

    Raises:
        ArgumentError: the name is no Python name, begins with ``_`` (such files are not
            collected), the file exists already, or the folder cannot be written.

    Example:
        >>> write("2fast", Path("proofs"))
        Traceback (most recent call last):
        ...
        jaxgrad.errors.ArgumentError: '2fast' cannot name a proof module: use letters, ...
    """
    stem = name.removesuffix(".py")
    if not stem.isidentifier() or stem.startswith("_"):
        raise ArgumentError(
            f"{name!r} cannot name a proof module: use letters, digits and _, a letter first"
        )
    path = folder / f"{stem}.py"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with path.open("x", encoding="utf-8") as file:
            file.write(TEMPLATE.format(id=stem.upper(), name=stem))
    except FileExistsError as error:
        raise ArgumentError(f"{error.filename} exists already and is not overwritten") from None
    except OSError as error:
        raise ArgumentError(f"{path} cannot be written: {error.strerror}") from None
    return path
