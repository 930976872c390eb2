"""Which instruction set class this machine has: the part of a machine that floating point results depend on.

oneDNN, MLAS, OpenBLAS and MKL choose their kernels by CPU, and an AVX2 kernel rounds differently from an AVX-512 one.
So the class is an input of every action whose bytes depend on it, and a machine of another class refuses the action
(`same_arithmetic`).

Standard library only, and no import of the rest of lepton_rules: Bazel's host detection runs this file as a script,
with whatever Python the host has, and reads one JSON object from it: {"cpu": "AMD EPYC 9654", "isa":
"x86_64_avx512_vnni"}.
"""

from __future__ import annotations

import json
import platform
import subprocess
import sys
from pathlib import Path

# For each class, every class whose instructions it has too. The order within a family is from the poorest to the
# richest.
_PROVIDES: dict[str, tuple[str, ...]] = {
    "x86_64_v2": (),
    "x86_64_avx2": ("x86_64_v2",),
    "x86_64_avx2_vnni": ("x86_64_v2", "x86_64_avx2"),
    "x86_64_avx512": ("x86_64_v2", "x86_64_avx2"),
    "x86_64_avx512_vnni": ("x86_64_v2", "x86_64_avx2", "x86_64_avx512"),
    "x86_64_amx": ("x86_64_v2", "x86_64_avx2", "x86_64_avx2_vnni", "x86_64_avx512", "x86_64_avx512_vnni"),
    "aarch64_neon": (),
    "aarch64_dotprod": ("aarch64_neon",),
    "aarch64_i8mm": ("aarch64_neon", "aarch64_dotprod"),
}

CLASSES: tuple[str, ...] = tuple(_PROVIDES)

# The subset of AVX-512 that oneDNN calls avx512_core and MLAS calls AVX512 core: no library uses less.
_AVX512 = {"avx512f", "avx512bw", "avx512cd", "avx512dq", "avx512vl"}


def provides(have: str, want: str) -> bool:
    """Whether a machine of class `have` can execute the instructions of class `want`. A class no one knows provides
    itself alone."""
    return have == want or want in _PROVIDES.get(have, ())


def same_arithmetic(have: str, want: str) -> bool:
    """Whether a machine of class `have` gives the bytes that an action made for class `want` promises.

    Stricter than `provides`: libraries use the best instructions they find, so a richer machine gives other bytes.
    """
    return have == want


def classify(machine: str, flags: frozenset[str]) -> str:
    """The class of an architecture (as `platform.machine()` names it) with CPU flags as Linux spells them in
    /proc/cpuinfo.

    An architecture outside the two families is its own class, named after it.
    """
    machine = machine.lower()
    if machine in ("x86_64", "amd64"):
        avx512 = flags >= _AVX512
        if avx512 and flags >= {"amx_tile", "amx_int8"}:
            return "x86_64_amx"
        if avx512 and "avx512_vnni" in flags:
            return "x86_64_avx512_vnni"
        if avx512:
            return "x86_64_avx512"
        if flags >= {"avx2", "fma", "avx_vnni"}:
            return "x86_64_avx2_vnni"
        if flags >= {"avx2", "fma"}:
            return "x86_64_avx2"
        return "x86_64_v2"
    if machine in ("aarch64", "arm64"):
        if flags >= {"asimddp", "i8mm"}:
            return "aarch64_i8mm"
        if "asimddp" in flags:
            return "aarch64_dotprod"
        return "aarch64_neon"
    return machine or "unknown"


def detect() -> str:
    """The class of this machine. Where the flags cannot be read, the poorest class of its architecture."""
    return classify(platform.machine(), _flags())


def cpu_name() -> str:
    """What the CPU calls itself, for people and for the identity of a measurement; never part of an action's key."""
    if sys.platform == "darwin":
        return _sysctl("machdep.cpu.brand_string") or platform.machine()
    fields = _cpuinfo()
    name = fields.get("model name") or fields.get("Processor")
    if not name and "CPU part" in fields:
        name = f"implementer {fields.get('CPU implementer', '?')} part {fields['CPU part']}"
    return " ".join((name or platform.processor() or platform.machine() or "unknown").split())


def _flags() -> frozenset[str]:
    if sys.platform == "darwin":
        return _darwin_flags()
    fields = _cpuinfo()
    return frozenset((fields.get("flags") or fields.get("Features") or "").split())


def _cpuinfo() -> dict[str, str]:
    """The first processor's fields in /proc/cpuinfo; empty where there is none."""
    try:
        text = Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return {}
    fields: dict[str, str] = {}
    for line in text.splitlines():
        key, colon, value = line.partition(":")
        if colon:
            fields.setdefault(key.strip(), value.strip())
    return fields


def _darwin_flags() -> frozenset[str]:
    """macOS's names for the same facts, in Linux's spelling."""
    features = f"{_sysctl('machdep.cpu.features')} {_sysctl('machdep.cpu.leaf7_features')}".lower()
    flags = set(features.replace("avx512vnni", "avx512_vnni").split())
    for flag, name in (("asimddp", "hw.optional.arm.FEAT_DotProd"), ("i8mm", "hw.optional.arm.FEAT_I8MM")):
        if _sysctl(name) == "1":
            flags.add(flag)
    return frozenset(flags)


def _sysctl(name: str) -> str:
    try:
        done = subprocess.run(["/usr/sbin/sysctl", "-n", name], capture_output=True, text=True, check=False)
    except OSError:
        return ""
    return done.stdout.strip() if done.returncode == 0 else ""


if __name__ == "__main__":
    print(json.dumps({"cpu": cpu_name(), "isa": detect()}, sort_keys=True))
