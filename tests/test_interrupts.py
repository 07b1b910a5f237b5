"""An interrupt ends a command within programs that have no end, too, and says what is known."""

from __future__ import annotations

import contextlib
import gc
import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from jaxgrad.claims import interrupts
from jaxgrad.claims.interrupts import always_heard, leave, say_what_is_known
from jaxgrad.evidence.tiled_pass import _not_awaited
from jaxgrad.numbers.progress import Progress, known_so_far

_ENDLESS = """
import sys
import jax
import jax.numpy as jnp

def endless(x):
    print("it is traced", file=sys.stderr, flush=True)
    start = (jnp.abs(x), 0)
    return jax.lax.while_loop(lambda c: c[1] >= 0, lambda c: (c[0] * 0.5, c[1] * 1), start)[0]

def slow(x):
    print("it is traced", file=sys.stderr, flush=True)
    return jax.lax.fori_loop(0, 30_000, lambda _, y: jnp.sin(y), x)

def long(x):
    print("it is traced", file=sys.stderr, flush=True)
    return jax.lax.fori_loop(0, 300, lambda _, y: jnp.sin(y), x)

def holds(x, y):
    return y == y

def fails(x, y):
    return jnp.isnan(y)
"""


@pytest.fixture
def handled() -> Iterator[None]:
    """As a command begins, also where this is run in the background of a shell."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.usefixtures("handled")
def test_python_hears_at_once_and_is_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    left: list[int] = []
    monkeypatch.setattr(interrupts, "leave", left.append)
    monkeypatch.setattr(interrupts, "PATIENCE", 0.05)
    with pytest.raises(KeyboardInterrupt), always_heard():
        os.kill(os.getpid(), signal.SIGINT)
        time.sleep(10)
    time.sleep(0.2)
    assert not left and signal.getsignal(signal.SIGINT) is signal.default_int_handler


@pytest.mark.usefixtures("handled")
def test_what_a_collector_of_garbage_hears_is_said_once_more(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(interrupts, "_ONCE_MORE", 0.01)
    collected = []

    def _xla_gc_callback(phase: str, _: object) -> None:  # what it raises, Python writes and loses
        if not collected:
            collected.append(phase)
            os.kill(os.getpid(), signal.SIGINT)

    gc.callbacks.append(_xla_gc_callback)
    try:
        with pytest.raises(KeyboardInterrupt), always_heard():
            gc.collect()
            gc.callbacks.remove(_xla_gc_callback)
            time.sleep(10)
    finally:
        if _xla_gc_callback in gc.callbacks:
            gc.callbacks.remove(_xla_gc_callback)
    assert collected


@pytest.mark.usefixtures("handled")
def test_code_in_cpp_that_is_being_loaded_is_not_left_by_an_exception(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    left: list[int] = []
    monkeypatch.setattr(interrupts, "leave", left.append)
    code = "import os, signal\nos.kill(os.getpid(), signal.SIGINT)"
    with always_heard(), contextlib.suppress(KeyboardInterrupt):
        exec(compile(code, "xla_client.py", "exec"), {"__package__": "jaxlib"})
    assert left == [130] and capsys.readouterr().err == "jaxgrad: interrupted\n"


@pytest.mark.usefixtures("handled")
def test_what_does_not_hear_is_ended(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    left = threading.Event()
    monkeypatch.setattr(interrupts, "leave", lambda _: left.set())
    monkeypatch.setattr(interrupts, "PATIENCE", 0.05)
    with Progress().followed(lambda: "half of it"), always_heard():
        signal.signal(signal.SIGINT, lambda *_: None)  # as where no handler of Python's runs
        os.kill(os.getpid(), signal.SIGINT)
        assert left.wait(10)
    assert capsys.readouterr().err == "jaxgrad, interrupted: half of it\njaxgrad: interrupted\n"


def test_interrupts_of_somebody_else_are_left_alone() -> None:
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        with always_heard():
            assert signal.getsignal(signal.SIGINT) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGINT, before)


def test_what_is_known_costs_nothing_where_it_fails(capsys: pytest.CaptureFixture[str]) -> None:
    def broken() -> object:
        raise RuntimeError("it changed meanwhile")

    with Progress().followed(lambda: "one"), Progress().followed(broken):
        say_what_is_known("given up")
    assert capsys.readouterr().err == "jaxgrad, given up: one\n" and not known_so_far()


def test_leaving_takes_what_was_printed_along() -> None:
    code = f"from {leave.__module__} import leave; print('all of it', end=''); leave(7)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (7, "all of it")


def test_a_pool_is_waited_for_unless_it_is_interrupted() -> None:
    ended, wait = threading.Event(), threading.Event()
    with pytest.raises(KeyboardInterrupt), _not_awaited(ThreadPoolExecutor(1)) as pool:
        pool.submit(wait.wait, 60)
        raise KeyboardInterrupt
    wait.set()
    for error in (ValueError, None):
        ended.clear()
        try:
            with _not_awaited(ThreadPoolExecutor(1)) as pool:
                pool.submit(lambda: (time.sleep(0.05), ended.set()))
                if error is not None:
                    raise error
        except ValueError:
            assert error is ValueError
        assert ended.is_set()


@pytest.mark.slow
@pytest.mark.usefixtures("handled")
@pytest.mark.parametrize(
    ("name", "holds", "more", "code", "said"),
    [
        ("endless", "holds", [], 130, "jaxgrad: interrupted\n"),
        (
            "slow",
            "holds",
            [],
            130,
            "jaxgrad, interrupted: sweep evaluated [0-9]+ of 4294967296 float32 ",
        ),
        ("long", "fails", ["--timeout", "12"], 1, "REFUTED: loops:long, though its sweep took "),
    ],
    ids=["endless", "slow", "timeout"],
)
def test_a_sweep(
    tmp_path: Path, name: str, holds: str, more: list[str], code: int, said: str
) -> None:
    (tmp_path / "loops.py").write_text(_ENDLESS)
    command = ["sweep", f"loops:{name}", "--dtype", "float32", "--holds", f"loops:{holds}", *more]
    process = subprocess.Popen(
        [sys.executable, "-m", "jaxgrad", *command],
        cwd=tmp_path,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stderr is not None
    assert process.stderr.readline() == "it is traced\n"
    if not more:
        time.sleep(10)
        for _ in range(3):
            process.send_signal(signal.SIGINT)
            time.sleep(0.3)
    text = "".join(process.communicate(timeout=60))
    assert process.returncode == code and re.search(said, text), text
