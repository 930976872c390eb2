"""uv, run for real with wheels made here: what is asked where, and how a lock that cannot be installed is refused."""

from __future__ import annotations

import http.server
import os
import threading
from collections.abc import Mapping
from pathlib import Path

import pytest
from support import LABEL, index, make_wheel, uv

from lepton_rules.private.environment.builder import lock, pip_configuration
from lepton_rules.private.environment.builder.install import Installer
from lepton_rules.private.environment.builder.refusal import LOCK_COMMAND, Refusal

_ZEROS = "sha256:" + "0" * 64


class Place:
    """A machine with a folder of wheels and, unless `variables` say otherwise, no index."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.wheels = root / "wheels"
        self.packages = root / "packages"
        self.variables = {"PIP_NO_INDEX": "1", "PIP_FIND_LINKS": str(self.wheels)}
        for folder in (self.wheels, self.packages, root / "scratch"):
            folder.mkdir()

    def install(self, text: str, package_indexes: Mapping[str, str] | None = None) -> set[str]:
        """Installs the lock `text`; the names of what is then there."""
        (self.root / "x.lock").write_text(text, encoding="utf-8")
        requirements = lock.read(self.root / "x.lock", "//:x.lock", LOCK_COMMAND)
        environment = {
            "HOME": str(self.root),
            "PATH": os.environ.get("PATH", ""),
            "PIP_CONFIG_FILE": os.devnull,
            "UV_CACHE_DIR": str(self.root / "cache"),
            "UV_HTTP_RETRIES": "0",
            **self.variables,
        }
        configuration = pip_configuration.read(environment, self.root)
        installer = Installer(uv(), configuration, environment, "//:x.lock", LOCK_COMMAND)
        installer.install(requirements, package_indexes or {}, self.packages, self.root / "scratch")
        return {entry.name for entry in self.packages.iterdir() if entry.suffix == ".py"}

    def refused(self, text: str, package_indexes: Mapping[str, str] | None = None) -> str:
        """The message with which the lock `text` is refused."""
        with pytest.raises(Refusal) as caught:
            self.install(text, package_indexes)
        message = caught.value.render(LABEL)
        assert message.startswith("lepton: ")
        return message


@pytest.fixture
def place(tmp_path: Path) -> Place:
    """A machine of its own for each test."""
    return Place(tmp_path)


def test_a_wrong_hash(place: Place) -> None:
    digest = make_wheel(place.wheels, "demo", "1.2", {"demo.py": ""}).split("--hash=")[1].strip()
    first = place.refused(f"demo==1.2 --hash={_ZEROS}\n").splitlines()[0]
    assert first == (
        f"lepton: lock //:x.lock in {LABEL}: demo==1.2 must have {_ZEROS} and has {digest}. "
        f"If the new file is to be trusted, write the lock again: {LOCK_COMMAND}."
    )


def test_one_of_several_hashes_is_enough(place: Place) -> None:
    line = make_wheel(place.wheels, "demo", "1.2", {"demo.py": ""}).strip()
    assert place.install(f"{line} --hash={_ZEROS}\n") == {"demo.py"}


def test_a_missing_wheel(place: Place) -> None:
    first = place.refused(f"absent==3.0 --hash={_ZEROS}\n").splitlines()[0]
    assert first.startswith(
        f"lepton: lock //:x.lock in {LABEL}: no wheel for this machine and this Python (absent was not"
    )
    assert "Add its place to pip's configuration or package_indexes, or lock a version that has one" in first


def test_a_wheel_for_another_machine(place: Place) -> None:
    line = make_wheel(place.wheels, "alien", "1.0", {"alien.py": ""}, tag="cp311-cp311-win_amd64")
    assert "no wheel for this machine and this Python (alien==1.0 has no wheels with a matching" in place.refused(line)


def test_a_requirement_for_another_machine_is_passed_over(place: Place) -> None:
    line = make_wheel(place.wheels, "demo", "1.2", {"demo.py": ""})
    alien = f"alien==1.0 ; sys_platform == 'win32' --hash={_ZEROS}\n"
    assert place.install(line + alien) == {"demo.py"}


def test_a_source_distribution_is_never_built(place: Place) -> None:
    (place.wheels / "source-1.0.tar.gz").write_bytes(b"")
    message = place.refused(f"source==1.0 --hash={_ZEROS}\n")
    assert "no wheel for this machine and this Python (source==1.0 has no usable wheels" in message


def test_an_unreachable_index_is_named_without_its_credentials(place: Place) -> None:
    place.variables = {"PIP_INDEX_URL": "http://bob:hunter22secret@127.0.0.1:9/simple"}
    message = place.refused(f"demo==1.0 --hash={_ZEROS}\n")
    assert message.splitlines()[0].startswith(
        f"lepton: lock //:x.lock in {LABEL}: http://127.0.0.1:9/simple/demo/ did not give what was asked for "
        "(Connection refused"
    )
    assert "Mend the index in pip's configuration (pip config list) or in package_indexes." in message.splitlines()[0]
    assert "hunter22secret" not in message and "bob" not in message


def test_an_index_that_refuses_the_credentials(place: Place, tmp_path: Path) -> None:
    with index(tmp_path / "none", "right-password") as served:
        place.variables = {"PIP_INDEX_URL": served.url("bob:wrong-password@")}
        message = place.refused(f"demo==1.0 --hash={_ZEROS}\n")
    assert "did not give what was asked for (401 Unauthorized)" in message.splitlines()[0]
    assert "wrong-password" not in message


def test_pips_index_and_its_credentials_reach_uv(place: Place, tmp_path: Path) -> None:
    line = make_wheel(tmp_path / "mirror", "mirrored", "1.0", {"mirrored.py": ""})
    with index(tmp_path / "mirror", "right-password") as served:
        place.variables = {"PIP_INDEX_URL": served.url("bob:right-password@")}
        assert place.install(line) == {"mirrored.py"}
        assert served.authorizations


def test_the_index_of_a_package_is_asked_for_it_alone_and_only_when_others_lack_it(
    place: Place, tmp_path: Path
) -> None:
    demo = make_wheel(place.wheels, "demo", "1.2", {"demo.py": ""})
    rare = make_wheel(tmp_path / "rare", "rare", "2.0", {"rare.py": ""})
    with index(tmp_path / "rare", "right-password") as served:
        indexes = {"rare": served.url("bob:right-password@")}
        assert place.install(demo + rare, indexes) == {"demo.py", "rare.py"}
        assert {path.split("/")[2].split("-")[0] for path in served.asked} == {"rare"}
        served.asked.clear()
        (tmp_path / "rare/rare-2.0-py3-none-any.whl").rename(place.wheels / "rare-2.0-py3-none-any.whl")
        assert place.install(demo + rare, indexes) == {"demo.py", "rare.py"}
        assert served.asked == []


def test_an_index_of_a_package_never_hides_another_packages_failure(place: Place, tmp_path: Path) -> None:
    rare = make_wheel(tmp_path / "rare", "rare", "2.0", {"rare.py": ""})
    with index(tmp_path / "rare", "right-password") as served:
        indexes = {"rare": served.url("bob:right-password@")}
        assert "(absent was not found" in place.refused(f"absent==3.0 --hash={_ZEROS}\n{rare}", indexes)
        assert served.asked == []


def test_an_index_for_a_package_that_the_lock_lacks(place: Place) -> None:
    line = make_wheel(place.wheels, "demo", "1.2", {"demo.py": ""})
    first = place.refused(line, {"dmeo": "https://example.invalid/"}).splitlines()[0]
    assert first == (
        f"lepton: package_indexes of lock //:x.lock in {LABEL}: the lock has no package dmeo. "
        "Remove it from package_indexes, or lock it."
    )


def test_an_index_of_pytorchs_own_is_asked_for_that_package_alone(place: Place) -> None:
    """Here a proxy stands for the network, and refuses."""
    here = make_wheel(place.wheels, "demo", "1.2", {"demo.py": ""})
    asked = []

    class Proxy(http.server.BaseHTTPRequestHandler):
        def do_CONNECT(self) -> None:
            asked.append(self.path)
            self.send_error(403)

        def log_message(self, format: str, *arguments: object) -> None:
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Proxy) as proxy:
        threading.Thread(target=proxy.serve_forever, daemon=True).start()
        place.variables["HTTPS_PROXY"] = f"http://127.0.0.1:{proxy.server_port}"
        del place.variables["PIP_NO_INDEX"]
        place.variables["PIP_INDEX_URL"] = place.wheels.as_uri()
        place.refused(f"{here}torch==2.13.0+cpu --hash={_ZEROS}\n", {"torch": "torch-backend=cpu"})
        proxy.shutdown()
    assert asked
    assert all("pytorch" in host for host in asked)
