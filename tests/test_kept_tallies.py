"""Sweeps that were killed go on, several processes share one, devices change nothing."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import jaxgrad
from jaxgrad.errors import ArgumentError, JaxgradError
from jaxgrad.evidence import kept_tallies, tiled_pass
from jaxgrad.evidence.tiled_pass import TiledPass

ROOT = Path(__file__).parents[1]

# What a child runs: by many tiles, each written at once.
_CHILD = """
import os, signal, sys
import jax, jax.numpy as jnp
import jaxgrad
from jaxgrad.evidence import kept_tallies, tiled_pass

kept_tallies.SECONDS = 0.0
tiled_pass._FEW = 0
tiled_pass._CHUNK = 2**10
call, keep, index, count, kill = sys.argv[1:]
writes = [0]

def killed():
    writes[0] += 1
    if writes[0] == 20:
        os.kill(os.getpid(), signal.SIGKILL)

if kill == "after":
    write = kept_tallies.KeptTallies.write
    def writing(self, *args, **options):
        found = write(self, *args, **options)
        killed()
        return found
    kept_tallies.KeptTallies.write = writing
if kill == "within":
    replace = kept_tallies.Path.replace
    def replacing(self, target):
        killed()
        return replace(self, target)
    kept_tallies.Path.replace = replacing

options = {"tile": 2**8, "part": (int(index), int(count)), "keep": keep or None}
if call == "sweep":
    found = jaxgrad.sweep(
        jax.grad(jax.nn.sigmoid), "bfloat16", lambda x, y: y <= 0.2,
        count={"zeros": lambda x, y: y == 0}, **options,
    )
    print(found, found.counts, found.evidence.text)
else:
    print(jaxgrad.accuracy(jax.nn.sigmoid, "bfloat16", **options))
"""


def child(
    call: str, keep: Path | str, part: tuple[int, int] = (0, 1), kill: str = "", devices: int = 1
) -> subprocess.Popen[str]:
    flags = f"--xla_force_host_platform_device_count={devices}"
    arguments = [call, str(keep), *map(str, part), kill]
    return subprocess.Popen(
        [sys.executable, "-c", _CHILD, *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=ROOT,
        env={**os.environ, "XLA_FLAGS": flags},
    )


def said(process: subprocess.Popen[str]) -> str:
    out, err = process.communicate(timeout=200)
    assert process.returncode == 0, err
    return out


@pytest.fixture(scope="module")
def whole() -> dict[str, str]:
    """What each call says that is left alone."""
    return {call: said(child(call, "")) for call in ("sweep", "accuracy")}


@pytest.mark.parametrize("call", ["sweep", "accuracy"])
@pytest.mark.parametrize("kill", ["after", "within"])
def test_what_was_killed_goes_on(
    call: str, kill: str, whole: dict[str, str], tmp_path: Path
) -> None:
    process = child(call, tmp_path, kill=kill)
    process.communicate(timeout=200)
    assert process.returncode == -signal.SIGKILL
    with np.load(tmp_path / "0-of-1.tallies.npz") as file:
        assert 0 < len(file["tiles"]) < 256
    assert said(child(call, tmp_path)) == whole[call]


@pytest.mark.parametrize("call", ["sweep", "accuracy"])
def test_two_processes_say_the_same(call: str, whole: dict[str, str], tmp_path: Path) -> None:
    both = [child(call, tmp_path, part=(k, 2)) for k in range(2)]
    assert [said(each) for each in both] == [whole[call]] * 2
    assert len(list(tmp_path.glob("*.tallies.npz"))) == 2


@pytest.mark.parametrize("call", ["sweep", "accuracy"])
def test_two_devices_say_the_same(call: str, whole: dict[str, str], tmp_path: Path) -> None:
    assert said(child(call, tmp_path, devices=2)) == whole[call]
    # Nor does a kept result depend on how many there were.
    assert said(child(call, tmp_path, devices=1)) == whole[call]


def gradient(x: Any) -> Any:
    return jax.grad(jax.nn.sigmoid)(x)


def below(x: Any, y: Any) -> Any:
    return y <= 0.2


def evaluated(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The tiles that are evaluated from here on, in their order."""
    seen: list[int] = []
    before = TiledPass._evaluated

    def noting(self: TiledPass, number: int) -> Any:
        seen.append(number)
        return before(self, number)

    monkeypatch.setattr(TiledPass, "_evaluated", noting)
    return seen


def test_what_is_done_is_not_done_again(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    seen = evaluated(monkeypatch)
    first = jaxgrad.sweep(gradient, "float8_e5m2", below, keep=tmp_path / "made")
    assert seen == list(range(16))
    seen.clear()
    assert jaxgrad.sweep(gradient, "float8_e5m2", below, keep=str(tmp_path / "made")) == first
    # Those alone that show where the predicate fails.
    failing = {first.failures.first, first.failures.positive.first} | {
        first.failures.last, first.failures.negative.last
    }  # fmt: skip
    assert set(seen) <= {x.bits // 16 for x in failing if x is not None}


def test_a_part_begins_with_its_share(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    seen = evaluated(monkeypatch)
    found = jaxgrad.sweep(gradient, "float8_e5m2", below, keep=tmp_path, part=(1, 4))
    assert seen == [*range(4, 16), *range(4)]
    assert found == jaxgrad.sweep(gradient, "float8_e5m2", below)


@pytest.mark.parametrize(
    ("f", "dtype", "holds", "differ"),
    [
        (jnp.tanh, "float8_e5m2", below, "its program differs;"),
        (gradient, "float8_e5m2", lambda x, y: y <= 0.125, "its program differs;"),
        (gradient, "float8_e4m3fn", below, "float8_e5m2 there and float8_e4m3fn here"),
    ],
)
def test_tallies_of_another_sweep_are_left_as_they_are(
    f: Any, dtype: str, holds: Any, differ: str, tmp_path: Path
) -> None:
    jaxgrad.sweep(gradient, "float8_e5m2", below, keep=tmp_path)
    [file] = tmp_path.iterdir()
    before = file.read_bytes()
    with pytest.raises(ArgumentError, match="another sweep, which are left as they are") as caught:
        jaxgrad.sweep(f, dtype, holds, keep=tmp_path)
    assert differ in str(caught.value)
    assert [file.read_bytes()] == [each.read_bytes() for each in tmp_path.iterdir()] == [before]


def test_tallies_of_another_release_are_others(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    jaxgrad.accuracy(jax.nn.sigmoid, "float8_e5m2", keep=tmp_path)
    monkeypatch.setattr(tiled_pass, "_release", lambda name: "0.0")
    with pytest.raises(ArgumentError, match="its jax and jaxgrad and jaxlib differ"):
        jaxgrad.accuracy(jax.nn.sigmoid, "float8_e5m2", keep=tmp_path)


@pytest.mark.parametrize("content", [b"", b"no archive", b"PK\x03\x04 cut off"])
def test_a_file_that_holds_none_is_refused(content: bytes, tmp_path: Path) -> None:
    file = tmp_path / "0-of-1.tallies.npz"
    file.write_bytes(content)
    with pytest.raises(ArgumentError, match=r"0-of-1.tallies.npz in keep holds no tallies \("):
        jaxgrad.sweep(gradient, "float8_e5m2", below, keep=tmp_path)
    assert file.read_bytes() == content


@pytest.mark.parametrize(
    "name, value",
    [
        ("of", np.array("[1]")),
        ("tiles", np.array(3)),
        ("tiles", np.array([0.5, 1.5])),
        ("tiles", np.array([-1])),
        ("counts", np.ones((2, 2))),
    ],
)
def test_arrays_that_are_no_tallies_are_refused(
    name: str, value: np.ndarray, tmp_path: Path
) -> None:
    jaxgrad.sweep(gradient, "float8_e5m2", below, keep=tmp_path)
    file = tmp_path / "0-of-1.tallies.npz"
    with np.load(file) as found:
        arrays = dict(found)
    np.savez(file, **{**arrays, name: value})
    with pytest.raises(ArgumentError, match=r"0-of-1.tallies.npz in keep holds no tallies"):
        jaxgrad.sweep(gradient, "float8_e5m2", below, keep=tmp_path)


def _tamper(file: Path, other: Path) -> None:
    with np.load(file) as found:
        arrays = dict(found)
    arrays["counts"][3, 0] += 1
    np.savez(other, **arrays)


def test_files_that_contradict_each_other_are_seen(tmp_path: Path) -> None:
    jaxgrad.sweep(gradient, "float8_e5m2", below, keep=tmp_path)
    _tamper(tmp_path / "0-of-1.tallies.npz", tmp_path / "1-of-2.tallies.npz")
    with pytest.raises(JaxgradError, match="other tallies of a tile than were found here"):
        jaxgrad.sweep(gradient, "float8_e5m2", below, keep=tmp_path)


def test_a_tally_that_was_changed_does_not_add_up(tmp_path: Path) -> None:
    jaxgrad.sweep(gradient, "float8_e5m2", below, keep=tmp_path)
    file = tmp_path / "0-of-1.tallies.npz"
    _tamper(file, file)
    with pytest.raises(JaxgradError, match="visited 251 numbers of 250"):
        jaxgrad.sweep(gradient, "float8_e5m2", below, keep=tmp_path)


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ({"part": (0, 2)}, "several processes meet in a folder"),
        ({"part": (2, 2), "keep": "k"}, "give .index, count."),
        ({"part": [0, 1]}, "give .index, count."),
        ({"part": (False, True)}, "give .index, count."),
        ({"keep": 3}, "keep is 3; give the path of a folder"),
        ({"keep": __file__}, "no folder can be made"),
    ],
)
def test_options_that_are_none(options: dict[str, Any], text: str) -> None:
    for call in (
        lambda: jaxgrad.sweep(gradient, "float8_e5m2", below, **options),
        lambda: jaxgrad.accuracy(jax.nn.sigmoid, "float8_e5m2", **options),
    ):
        with pytest.raises(ArgumentError, match=text):
            call()


def test_time_passes_between_two_writings(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    of = kept_tallies.KeptTallies("sweep", tmp_path, (0, 1), {})
    arrays: Sequence[Any] = (np.ones(2, bool), np.ones((2, 3), np.uint32))
    assert not of.write(*arrays)
    monkeypatch.setattr(kept_tallies, "SECONDS", 0.0)
    assert of.write(*arrays)
    assert [path.name for path in tmp_path.iterdir()] == ["0-of-1.tallies.npz"]
