"""The Schur form T = Z*AZ of a matrix, in which the eigenvalues have the order of a run.

The first columns of Z span the first eigenvectors.  Of a real matrix two eigenvalues that are
conjugate share a block of T with one number twice on its diagonal, and columns of Z have the signs
of the run.  Of a complex matrix T is triangular, and the phase of each column of Z is free: that of
a run, or another one that is as good.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from flint import acb, arb

from jaxgrad.numbers.base import CannotDecide, NumberSystem, objects
from jaxgrad.numbers.complex_pairs import ComplexPairs
from jaxgrad.numbers.eigenspaces import orthonormal
from jaxgrad.numbers.eigenvalues import midpoints
from jaxgrad.numbers.general_spectra import Eigenpairs
from jaxgrad.numbers.vector_choice import VectorChoice, chosen
from jaxgrad.numbers.vector_signs import CLOSE, FloatingPoint

__all__ = ["complex_schur", "schur"]


def schur(
    system: NumberSystem, a: np.ndarray, *, compute_schur_vectors: bool, floats: FloatingPoint
) -> tuple[np.ndarray, ...]:
    """T and, if wanted, Z of a real matrix.

    Args:
        system: the numbers.
        a: of shape (n, n).
        compute_schur_vectors: whether Z is wanted.
        floats: the primitive with vectors, which decides the order and the signs.

    Raises:
        CannotDecide: two eigenvalues are the same, or their order or a sign depends on rounding,
            or which of several forms a block has.
    """
    pairs = ComplexPairs(system)
    known = _known(system, a, floats)
    found = Eigenpairs(pairs, pairs.map(pairs.of_real, a), known.then(_eigenvalues), is_real=True)
    blocks, columns, k = [], [], 0
    while k < len(a):
        real, imag = pairs.parts(found.right[:, k])
        alone = found.is_real[k]
        columns += [real] if alone else [real, imag]
        blocks.append(range(k, len(columns)))
        k = len(columns)
    z = orthonormal(system, np.stack(columns, axis=1))
    runs = known.around(a)[1]
    for block in blocks:
        if len(block) > 1:
            z[:, block] = _with_one_diagonal(system, a, z[:, block])
        z[:, block] = _as_in_runs(system, z[:, block], runs[..., block])
    t = system.matmul(z.T, system.matmul(a, z))
    for block in blocks:
        t[block.stop :, block] = system.constant(0)
        t[block, block] = t[block[0], block[0]]
    return (t, z) if compute_schur_vectors else (t,)


def complex_schur(
    system: NumberSystem, *parts: np.ndarray, compute_schur_vectors: bool, floats: FloatingPoint
) -> tuple[np.ndarray, ...]:
    """The parts of T and, if wanted, of Z of a complex matrix.

    Args:
        parts: the real and the imaginary part of a matrix of shape (n, n).
        system, compute_schur_vectors, floats: as for :func:`schur`.

    Raises:
        CannotDecide: as :func:`schur`, or nobody asked for one of several choices of phases.
    """
    choice = chosen()
    if choice is None:
        raise CannotDecide("the phases of Schur vectors, which are free")
    choice.met = True
    pairs = ComplexPairs(system)
    a = pairs.joined(*parts)
    known = _known(pairs, a, floats)
    found = Eigenpairs(pairs, a, known.then(_eigenvalues), is_real=False)
    z = _unitary(pairs, found.right)
    z = z * _phases(pairs, z, known.around(a)[1][0], choice)
    t = pairs.matmul(pairs.map(pairs.conjugate, z).T, pairs.matmul(a, z))
    for k, value in enumerate(found.values):
        t[k, k] = value
        t[k + 1 :, k] = pairs.constant(0)
    results = (t, z) if compute_schur_vectors else (t,)
    return tuple(part for array in results for part in pairs.parts(array))


# -- what a run says -------------------------------------------------------------------------------
def _known(system: NumberSystem, a: np.ndarray, floats: FloatingPoint) -> FloatingPoint:
    """What runs return of a matrix."""
    return floats.known(system.map(lambda x: system.apart(x)[0], a))


def _eigenvalues(results: Sequence[np.ndarray]) -> list[np.ndarray]:
    """Those of each T in the order of its diagonal; of two in a block +i comes before −i."""
    t = results[0]
    values = np.diagonal(t, axis1=1, axis2=2).astype(complex)
    below, above = (np.diagonal(t, k, axis1=1, axis2=2) for k in (-1, 1))
    roots = 1j * np.sqrt(np.where(below == 0, 0, abs(below * above)))
    values[:, :-1] += roots
    values[:, 1:] -= roots
    return [values]


# -- real matrices ---------------------------------------------------------------------------------
def _with_one_diagonal(system: NumberSystem, a: np.ndarray, w: np.ndarray) -> np.ndarray:
    """Two orthonormal columns turned so that their block of T has one number on its diagonal.

    By an angle θ the difference d of the diagonal of WᵀAW and the sum e of the entries beside it
    become d cos 2θ + e sin 2θ and its derivative.
    """
    (p, q), (r, s) = system.matmul(w.T, system.matmul(a, w))
    d, e = p - s, q + r
    length = system.sqrt(d * d + e * e)
    limit = system.apart(length)[0]
    if not limit > 0:
        raise CannotDecide("a block of a Schur form that is one in every basis")
    e, d = (e, d) if system.apart(e)[0].mid() >= 0 else (-e, -d)
    one, two = system.constant(1), system.constant(2)
    cosine = system.sqrt(system.divide(one + system.divide(e, length), two))
    sine = system.divide(-system.divide(d, length), two * cosine)
    first, second = w.T
    return np.stack([first * cosine + second * sine, second * cosine - first * sine], axis=1)


def _as_in_runs(system: NumberSystem, z: np.ndarray, runs: np.ndarray) -> np.ndarray:
    """One or two columns in the order, and with the signs, that they have in runs."""
    limits = midpoints(system.map(lambda x: system.apart(x)[0], z))
    along = np.einsum("kij,il->kjl", runs, limits)
    places = abs(along[0]).argmax(axis=1)
    every = along[:, range(len(places)), places]
    side = np.sign(every[0])
    if not (len({*places}) == len(places) and (side * every > CLOSE).all()):
        raise CannotDecide("which sign a Schur vector has is open")
    return z[:, places] * system.constants(side)


# -- complex matrices ------------------------------------------------------------------------------
def _unitary(pairs: ComplexPairs, columns: np.ndarray) -> np.ndarray:
    """Orthonormal columns, the first of which span what the first ones spanned."""
    found: list[np.ndarray] = []
    for column in columns.T:
        for unit in found:
            along = pairs.total(list(pairs.map(pairs.conjugate, unit) * column))
            column = column - unit * along
        length = pairs.length(column)
        found.append(pairs.map(lambda x, length=length: pairs.over(x, length), column))
    return np.stack(found, axis=1)


def _phases(
    pairs: ComplexPairs, z: np.ndarray, run: np.ndarray, choice: VectorChoice
) -> np.ndarray:
    """The complex numbers of size 1 by which columns are turned to what is chosen."""
    found = []
    for column, near, drawn in zip(z.T, run.T, choice.angles(len(z)), strict=True):
        limits = [pairs.apart(x)[0] for x in column]
        along = _inner(near, limits)
        size = abs(along)
        if not size > 0:
            raise CannotDecide("the phase of a Schur vector")
        angle = arb(float(drawn))
        found.append(pairs.real(along.conjugate() / size * acb(angle.cos(), angle.sin())))
    return objects(found)


def _inner(near: np.ndarray, column: Sequence[Any]) -> Any:
    return sum((acb(complex(x)).conjugate() * y for x, y in zip(near, column, strict=True)), acb(0))
