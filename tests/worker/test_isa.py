"""The instruction set class, from CPU flags as real machines have them."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from lepton_rules.worker import isa

_X86 = "fpu sse2 ssse3 sse4_1 sse4_2 popcnt"
_AVX2 = f"{_X86} avx avx2 fma"
_AVX512 = f"{_AVX2} avx512f avx512bw avx512cd avx512dq avx512vl"
_ARM = "fp asimd aes crc32"


@pytest.mark.parametrize(
    ("machine", "flags", "expected"),
    [
        ("x86_64", _X86, "x86_64_v2"),
        ("x86_64", _AVX2.replace(" fma", ""), "x86_64_v2"),
        ("x86_64", _AVX2, "x86_64_avx2"),
        ("AMD64", _AVX2, "x86_64_avx2"),
        ("x86_64", f"{_AVX2} avx_vnni", "x86_64_avx2_vnni"),
        ("x86_64", f"{_AVX2} avx512f avx512cd", "x86_64_avx2"),  # Knights Landing: no library's AVX-512
        ("x86_64", _AVX512, "x86_64_avx512"),
        ("x86_64", f"{_AVX512} avx512_vnni", "x86_64_avx512_vnni"),
        ("x86_64", f"{_AVX512} avx512_vnni avx_vnni", "x86_64_avx512_vnni"),
        ("x86_64", f"{_AVX512} avx512_vnni amx_tile amx_int8 amx_bf16", "x86_64_amx"),
        ("aarch64", _ARM, "aarch64_neon"),
        ("arm64", f"{_ARM} asimddp", "aarch64_dotprod"),
        ("aarch64", f"{_ARM} asimddp i8mm", "aarch64_i8mm"),
        ("riscv64", "", "riscv64"),
    ],
)
def test_classes(machine: str, flags: str, expected: str) -> None:
    assert isa.classify(machine, frozenset(flags.split())) == expected


def test_a_richer_machine_provides_the_poorer_ones_instructions_but_not_its_arithmetic() -> None:
    assert isa.provides("x86_64_amx", "x86_64_avx2_vnni")
    assert isa.provides("x86_64_avx512_vnni", "x86_64_v2")
    assert not isa.provides("x86_64_avx512_vnni", "x86_64_avx2_vnni"), "AVX-VNNI is another extension"
    assert not isa.provides("x86_64_avx2", "x86_64_avx512")
    assert not isa.provides("aarch64_i8mm", "x86_64_v2")
    assert not isa.same_arithmetic("x86_64_avx512", "x86_64_avx2")
    for name in isa.CLASSES:
        assert isa.provides(name, name) and isa.same_arithmetic(name, name)


def test_the_script_prints_what_the_module_finds() -> None:
    script = Path(isa.__file__)
    # As the host detection runs it: no package, no environment.
    printed = subprocess.run([sys.executable, "-I", str(script)], capture_output=True, check=True, env={})
    assert json.loads(printed.stdout) == {"cpu": isa.cpu_name(), "isa": isa.detect()}
    assert isa.detect() in isa.CLASSES
