"""Where the product's time goes: sampled from outside by py-spy, added up by function.

py-spy is no dependency of the project: ``pip install py-spy`` before ``--profile``.
"""

from __future__ import annotations

import shutil
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from benchmarks.product import Running

_HOW = ("--format", "raw", "--rate", "50", "--gil", "--nonblocking")
"""Only threads that run Python count, and none is stopped to look at it: that would measure the sampler."""


@contextmanager
def sampling(processes: Sequence[Running], folder: Path) -> Iterator[list[Path]]:
    """Sample every process while the block runs; the files are complete when it has ended."""
    program = shutil.which("py-spy", path=str(Path(sys.executable).parent)) or shutil.which("py-spy")
    if program is None:
        raise SystemExit("py-spy is not installed. Run: pip install py-spy")
    pids = [(each.name, pid) for each in processes for pid in each.pids()]
    files = [folder / f"{pid}-{name}.stacks" for name, pid in pids]
    samplers = [
        subprocess.Popen(  # noqa: S603  # found beside our own interpreter
            [program, "record", *_HOW, "--pid", str(pid), "-o", str(file)],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )
        for (_, pid), file in zip(pids, files, strict=True)
    ]  # fmt: skip
    try:
        yield files
    finally:
        for sampler in samplers:
            sampler.send_signal(signal.SIGINT)
        for sampler in samplers:
            sampler.wait(20)


def summary(files: Sequence[Path], most: int = 30) -> list[str]:
    """Lines of text: the functions with the largest shares, with what they call and by themselves."""
    within, itself, total = _added(files)
    if not total:
        return ["no samples"]
    lines = [f"{total} samples of threads that ran Python", "share  function, with everything it calls"]
    lines += [f"{100 * count / total:5.1f}  {name}" for name, count in within.most_common(most)]
    lines += ["share  function, by itself"]
    return lines + [f"{100 * count / total:5.1f}  {name}" for name, count in itself.most_common(most)]


def _added(files: Sequence[Path]) -> tuple[Counter[str], Counter[str], int]:
    within: Counter[str] = Counter()
    itself: Counter[str] = Counter()
    total = 0
    for file in files:
        for line in file.read_text().splitlines() if file.exists() else ():
            stack, _, count = line.rpartition(" ")
            frames = [_without_line(frame) for frame in stack.split(";")]
            total += int(count)
            itself[frames[-1]] += int(count)
            within.update(dict.fromkeys(frames, int(count)))
    return within, itself, total


def _without_line(frame: str) -> str:
    """A function is one thing, whichever of its lines was running."""
    name, colon, line = frame.rpartition(":")
    return f"{name})" if colon and line.rstrip(")").isdigit() else frame
