"""Freed memory is kept where glibc is, and nothing happens elsewhere."""

import ctypes
import sys
from types import SimpleNamespace

import pytest

from brainmri.allocation import keep_freed_memory


def _fake(monkeypatch: pytest.MonkeyPatch, platform: str, library: object) -> None:
    monkeypatch.setattr(sys, "platform", platform)
    monkeypatch.setattr(ctypes, "CDLL", lambda _: library)


def test_glibc_is_told_to_keep_blocks_of_any_size(monkeypatch: pytest.MonkeyPatch) -> None:
    said: list[tuple[int, int]] = []
    library = SimpleNamespace(mallopt=lambda parameter, value: said.append((parameter, value)))
    _fake(monkeypatch, "linux", library)
    keep_freed_memory()
    # M_MMAP_MAX and M_TRIM_THRESHOLD of malloc.h.
    assert [(-4, 0), (-1, 2**31 - 1)] == said


def test_a_linux_without_glibc_is_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    _fake(monkeypatch, "linux", SimpleNamespace())
    keep_freed_memory()


@pytest.mark.parametrize("platform", ["darwin", "win32"])
def test_other_systems_are_not_even_asked(monkeypatch: pytest.MonkeyPatch, platform: str) -> None:
    def refuse(_: object) -> None:
        raise TypeError("as Windows does for None")

    _fake(monkeypatch, platform, None)
    monkeypatch.setattr(ctypes, "CDLL", refuse)
    keep_freed_memory()
