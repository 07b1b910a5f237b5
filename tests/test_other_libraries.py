"""check_grads on what libraries make of solvers, differential equations and layers of networks."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from jaxgrad import Verdict, check

pytestmark = [
    pytest.mark.slow,
    pytest.mark.filterwarnings("ignore:JAX is not using 64-bit precision"),
    pytest.mark.filterwarnings("ignore:Explicitly requested dtype"),
    pytest.mark.filterwarnings("ignore:.*NormalCG:DeprecationWarning"),
]


def drawn(*shape: int) -> np.ndarray:
    return np.random.default_rng(sum(shape)).normal(size=shape).astype(np.float32)


def _passes(function: Callable[..., Any], args: tuple[Any, ...], **options: Any) -> None:
    found = check(function, args, **{"budget": 0, **options})
    assert found.verdict.passes, str(found)


# -- lineax ----------------------------------------------------------------------------------------
MATRIX = np.array([[4, 1, 0.5], [0.25, 3, -1], [0.5, -1, 2]], np.float32)
RIGHT = np.array([1, -2, 0.5], np.float32)
TOLERANCE = {"rtol": 1e-5, "atol": 1e-5}

# `BiCGStab` breaks down on systems as small as these, and raises in its own derivative.
# Solver -> its class and options, the tag of its matrix, and how that is made of a drawn one.
SOLVERS: dict[str, tuple[str, dict[str, Any], str | None, Callable[[Any], Any]]] = {
    "LU": ("LU", {}, None, lambda a: a),
    "QR": ("QR", {}, None, lambda a: a),
    "SVD": ("SVD", {}, None, lambda a: a),
    "automatic": ("AutoLinearSolver", {"well_posed": True}, None, lambda a: a),
    "Cholesky": ("Cholesky", {}, "positive_semidefinite_tag", lambda a: a @ a.T),
    "triangular": ("Triangular", {}, "lower_triangular_tag", jnp.tril),
    "CG": ("CG", TOLERANCE, "positive_semidefinite_tag", lambda a: a @ a.T),
    "CG of −A": ("CG", TOLERANCE, "negative_semidefinite_tag", lambda a: -a @ a.T),
    "NormalCG": ("NormalCG", TOLERANCE, None, lambda a: a),
    "GMRES": ("GMRES", TOLERANCE, None, lambda a: a),
    "LSMR": ("LSMR", TOLERANCE, None, lambda a: a),
}


def _solve(name: str, factor: float = 1.0) -> Callable[[Any, Any], Any]:
    lineax = pytest.importorskip("lineax")
    kind, options, tag, made = SOLVERS[name]
    solver = getattr(lineax, kind)(**options)
    tags = () if tag is None else getattr(lineax, tag)

    def solve(a: Any, b: Any) -> Any:
        operator = lineax.MatrixLinearOperator(made(a), tags)
        return lineax.linear_solve(operator, b, solver).value

    if factor == 1:
        return solve
    rule = jax.custom_vjp(solve)

    def backward(kept: Any, g: Any) -> Any:
        by_a, by_b = jax.vjp(solve, *kept)[1](g)
        return factor * by_a, by_b

    rule.defvjp(lambda a, b: (solve(a, b), (a, b)), backward)
    return rule


@pytest.mark.parametrize("name", SOLVERS)
def test_a_solver_of_lineax(name: str) -> None:
    _passes(_solve(name), (MATRIX, RIGHT), linear=False)


@pytest.mark.parametrize("name", ["LU", "CG"])
def test_a_wrong_rule_over_a_solver_of_lineax(name: str) -> None:
    found = check(_solve(name, 1.001), (MATRIX, RIGHT), budget=0, linear=False, modes="rev")
    assert found.verdict is Verdict.REFUTED


@pytest.mark.parametrize("shape", [(4, 2), (2, 4)])
def test_a_system_that_is_not_square(shape: tuple[int, int]) -> None:
    args = drawn(*shape), drawn(shape[0])
    _passes(_solve("NormalCG"), args, linear=False, modes="fwd")


def test_diagonals_of_lineax() -> None:
    lineax = pytest.importorskip("lineax")

    def diagonal(d: Any, b: Any) -> Any:
        return lineax.linear_solve(lineax.DiagonalLinearOperator(d), b, lineax.Diagonal()).value

    def three(d: Any, below: Any, above: Any, b: Any) -> Any:
        operator = lineax.TridiagonalLinearOperator(d, below, above)
        return lineax.linear_solve(operator, b, lineax.Tridiagonal()).value

    _passes(diagonal, (RIGHT + 3, RIGHT))
    _passes(three, (RIGHT + 5, RIGHT[:2], RIGHT[1:], RIGHT))


# -- optimistix ------------------------------------------------------------------------------------
FINDERS: dict[str, Callable[[Any], Callable[[Any], Any]]] = {
    "Newton": lambda o: lambda y: o.root_find(
        lambda x, y: x**3 + x - y, o.Newton(1e-6, 1e-6), jnp.array(0.5), y
    ).value,
    "fixed point": lambda o: lambda y: o.fixed_point(
        lambda x, y: jnp.cos(x) * y, o.FixedPointIteration(1e-6, 1e-6), jnp.array(0.5), y / 3
    ).value,
    "least squares": lambda o: lambda y: o.least_squares(
        lambda x, y: jnp.stack([x - y, x * y - 1]), o.LevenbergMarquardt(1e-6, 1e-6),
        jnp.array(0.5), y,
    ).value,
}  # fmt: skip


@pytest.mark.parametrize("name", FINDERS)
def test_an_implicit_function_of_optimistix(name: str) -> None:
    find = FINDERS[name](pytest.importorskip("optimistix"))
    _passes(find, (np.float32(1.5),), linear=False)


# -- diffrax ---------------------------------------------------------------------------------------
INTO, OUT = drawn(3, 2), drawn(2, 3)
START = drawn(2)


def _neural(adjoint: str, solver: str = "Euler", steps: int = 4) -> Callable[..., Any]:
    """A neural differential equation, by steps of one length."""
    diffrax = pytest.importorskip("diffrax")

    def integrated(y: Any, into: Any, out: Any) -> Any:
        return diffrax.diffeqsolve(
            diffrax.ODETerm(lambda t, y, weights: weights[1] @ jnp.tanh(weights[0] @ y)),
            getattr(diffrax, solver)(), 0.0, 1.0, 1 / steps, y, (into, out),
            adjoint=getattr(diffrax, adjoint)(),
            stepsize_controller=diffrax.ConstantStepSize(), max_steps=2 * steps,
        ).ys[-1]  # fmt: skip

    return integrated


@pytest.mark.parametrize(
    ("adjoint", "solver", "modes"),
    [
        ("RecursiveCheckpointAdjoint", "Euler", "rev"),
        ("RecursiveCheckpointAdjoint", "Tsit5", "rev"),
        ("DirectAdjoint", "Euler", "rev"),
        ("ForwardMode", "Tsit5", "fwd"),
    ],
)
def test_a_neural_differential_equation(adjoint: str, solver: str, modes: str) -> None:
    function = _neural(adjoint, solver, 2 if solver == "Tsit5" else 4)
    _passes(function, (START, INTO, OUT), modes=modes, linear=False)


@pytest.mark.parametrize(("factor", "verdict"), [(1, Verdict.AGREES), (1.01, Verdict.REFUTED)])
def test_an_adjoint_that_is_integrated_backwards(factor: float, verdict: Verdict) -> None:
    """An equation of its own, which gives the derivative of the steps to 19 bits."""
    solve = _neural("BacksolveAdjoint", "Tsit5", 3)
    scaled = jax.custom_vjp(solve)
    scaled.defvjp(
        lambda *args: (solve(*args), args),
        lambda args, g: tuple(factor * x for x in jax.vjp(solve, *args)[1](g)),
    )
    args = START, INTO, OUT
    assert check(scaled, args, budget=0, linear=False, modes="rev").verdict is verdict


# -- layers of networks ----------------------------------------------------------------------------
def test_a_convolutional_network() -> None:
    nn = pytest.importorskip("equinox").nn
    first, second, last = jax.random.split(jax.random.key(0), 3)
    pool = nn.AvgPool2d(2, 2)
    layers = (
        nn.Conv2d(1, 2, 3, key=first), nn.Conv2d(2, 3, 2, key=second), nn.Linear(3, 2, key=last)
    )  # fmt: skip

    def network(layers: Any, x: Any) -> Any:
        first, second, last = layers
        x = pool(jnp.tanh(second(pool(jnp.tanh(first(x))))))
        return last(x.ravel())

    _passes(network, (layers, drawn(1, 8, 8)))


def test_a_residual_block() -> None:
    nn = pytest.importorskip("equinox").nn
    first, second = jax.random.split(jax.random.key(0))
    layers = (
        nn.Conv2d(2, 2, 3, padding=1, key=first), nn.GroupNorm(1, 2),
        nn.Conv2d(2, 2, 3, padding=1, key=second), nn.GroupNorm(1, 2),
    )  # fmt: skip

    def block(layers: Any, x: Any) -> Any:
        first, norm, second, other = layers
        return jax.nn.relu(x + other(second(jax.nn.relu(norm(first(x))))))

    _passes(block, (layers, drawn(2, 3, 3)))


@pytest.mark.parametrize(("factor", "right"), [(1.0, True), (1.001, False)])
def test_a_spectral_layer(factor: float, right: bool) -> None:
    """Weights for each frequency, with a rule by hand for the real and the imaginary ones."""

    def layer(real: Any, imag: Any, x: Any) -> Any:
        return jax.nn.gelu(jnp.fft.irfft(jnp.fft.rfft(x) * (real + 1j * imag), n=8))

    rule = jax.custom_vjp(layer)

    def backward(kept: Any, g: Any) -> Any:
        real, imag, x = jax.vjp(layer, *kept)[1](g)
        return real, factor * imag, x

    rule.defvjp(lambda *args: (layer(*args), args), backward)
    found = check(rule, (drawn(5), drawn(1, 5)[0], drawn(8)), budget=0)
    assert found.verdict is (Verdict.AGREES if right else Verdict.REFUTED)


@pytest.mark.parametrize("way", ["inverse", "forward"])
def test_harmonics_on_the_sphere(way: str) -> None:
    s2fft = pytest.importorskip("s2fft")
    transform, degree = getattr(s2fft, way), 3

    def power(real: Any, imag: Any) -> Any:
        return jnp.abs(transform(real + 1j * imag, degree, method="jax")) ** 2

    _passes(power, (drawn(3, 5), drawn(5, 3).T), modes="rev", linear=False)
