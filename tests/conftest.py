"""What holds for every test: Hypothesis profiles, and a process that is left as it was found."""

from __future__ import annotations

import gc
import importlib
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest
from hypothesis import HealthCheck, settings

# The first example pays for XLA's compilation, so no example has a deadline. With CI set, every run
# draws the same examples, and a failure prints what reproduces it.
settings.register_profile("dev", deadline=None)
settings.register_profile(
    "ci",
    deadline=None,
    derandomize=True,
    print_blob=True,
    suppress_health_check=[HealthCheck.too_slow],
)
# For a second run, on another release of JAX: --hypothesis-profile=brief.
settings.register_profile("brief", settings.get_profile("ci"), max_examples=10)
settings.load_profile("ci" if os.environ.get("CI") else "dev")

# A script that a test runs in a process with four devices, and a file that pyright alone reads.
collect_ignore = ["sharded_cases.py", "typed_user.py"]

# The tests that a suite of a few minutes leaves out, written by tools/slow_tests.py.
_SLOW_TESTS = Path(__file__).with_name("slow_tests.txt")
# Its cases differ by all that they are, and releases by what they say of them: each run has all.
_GOLDEN = Path(__file__).with_name("test_golden.py")
_FLINT_PRECISION = 53  # FLINT's default: the significand of a float64


def _share(text: str) -> tuple[int, int]:
    """K and N of K/N: N runs, one of each K from 0 to N - 1, run every test."""
    first, step = map(int, text.split("/"))
    if not 0 <= first < step:
        raise ValueError(f"{text} is no K/N with K from 0 to N - 1")
    return first, step


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--fuzz-programs", help="how many random programs, for tests marked fuzz")
    parser.addoption(
        "--share",
        type=_share,
        metavar="K/N",
        help="of slow tests run every Nth, the Kth (of 0 to N - 1) and those after it",
    )


@pytest.hookimpl(tryfirst=True)  # before -m selects
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Mark what is known to be slow, and leave out all but a share of it if that is asked for."""
    lines = _SLOW_TESTS.read_text(encoding="utf-8").splitlines() if _SLOW_TESTS.exists() else []
    slow = {line for line in lines if not line.startswith("#")}
    of_one: dict[str, list[pytest.Item]] = {}
    for item in items:
        if item.nodeid in slow:
            item.add_marker("slow")
        # What is exhaustive one release alone is asked.
        whole = item.path == _GOLDEN or item.get_closest_marker("exhaustive")
        if item.get_closest_marker("slow") and not whole:
            of_one.setdefault(item.nodeid.partition("[")[0], []).append(item)
    if share := config.getoption("--share"):
        first, step = share
        in_turn = [item for several in of_one.values() for item in several]
        left_out = {item for place, item in enumerate(in_turn) if place % step != first}
        config.hook.pytest_deselected(items=list(left_out))
        items[:] = [item for item in items if item not in left_out]


@pytest.fixture(autouse=True)
def state_of_the_process() -> Iterator[None]:
    """Fail a test that leaves x64 switched on, or FLINT at another precision."""
    found = _restore()
    assert not found, f"before this test something (a doctest?) left {found}"
    yield
    left = _restore()
    assert not left, f"the test left {left}; change it in a with block"


@pytest.fixture(autouse=True, scope="module")
def little_to_collect() -> Iterator[None]:
    """Leave what a module made, most of it JAX's caches, out of the collections to come.

    Each of them went through millions of objects otherwise, for a second or two of CPU time that is
    counted to whatever is checked just then.
    """
    yield
    gc.collect()
    gc.freeze()


@pytest.fixture(autouse=True)
def nothing_unforeseen() -> Iterator[None]:
    """Fail a test in which an exception was passed over that nobody foresaw."""
    yield
    module = sys.modules.get("jaxgrad.gradients.special_points.unforeseen")
    found = dict(module.UNFORESEEN) if module else {}
    if module:
        module.UNFORESEEN.clear()
    assert not found, f"passed over in a search for special points: {found}"


@pytest.fixture
def float64() -> Iterator[None]:
    """Run one test with x64; under @given, use ``with jax.enable_x64(True)`` inside instead."""
    import jax

    with jax.enable_x64(True):
        yield


def _restore() -> str:
    """Say what is not at its default, and put it back so that no later test is blamed."""
    found = []
    jax, flint = sys.modules.get("jax"), sys.modules.get("flint")
    if jax is not None and jax.config.jax_enable_x64:
        found.append("jax_enable_x64 on")
        jax.config.update("jax_enable_x64", False)
    if flint is not None and flint.ctx.prec != _FLINT_PRECISION:
        found.append(f"flint.ctx.prec at {flint.ctx.prec}")
        flint.ctx.prec = _FLINT_PRECISION
    return " and ".join(found)


@pytest.fixture
def module(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[ModuleType]:
    """The module that a test file has as a text, ``MODULE``, imported under the name ``NAME``."""
    name: str = request.module.NAME
    (tmp_path / f"{name}.py").write_text(request.module.MODULE, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))
    yield importlib.import_module(name)
    del sys.modules[name]
