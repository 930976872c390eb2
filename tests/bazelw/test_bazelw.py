"""What bazelw chooses, with programs of ours in place of bazel, bazelisk, npm and apt.

Each test has a clone of bazelw, a PATH of its own and a cache folder of its own. The programs of ours print what they
were started with, so that a test sees which one bazelw chose. Nothing here reaches a network.
"""

from __future__ import annotations

import os
import shutil
import signal
import stat
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
NOBODY = 65534
# What bazelw and its helpers call, beside what each test puts on PATH itself.
TOOLS = (
    "awk basename bash cat chmod cp cut dirname du find flock grep head ln mkdir mktemp mv readlink rm sed sh sleep "
    "sort tail touch uname"
).split()

BAZEL = """#!/bin/sh
if [ "$*" = --version ]; then echo "bazel {version}"; exit; fi
echo "{name} ran: $*"
"""
# Leaves a bazelisk that does BODY, as `npm ci --prefix DIRECTORY` leaves the real one.
NPM = """#!/bin/sh
echo npm >>"$CALLS"
folder=$3/node_modules/@bazel/bazelisk
mkdir -p "$folder"
cat >"$folder/bazelisk-linux_amd64" <<'END'
#!/bin/sh
{body}
END
cp "$folder/bazelisk-linux_amd64" "$folder/bazelisk-linux_arm64"
chmod +x "$folder"/*
"""
UNREACHABLE = "echo 'could not download Bazel: no such host' >&2; exit 1"
# In place of debian.sh: PREFIX appears by a rename, after a while.
DEBIAN = """#!/bin/sh
echo debian >>"$CALLS"
mkdir "$3/unpacked"
cat >"$3/unpacked/bazel" <<'END'
#!/bin/sh
echo "debian ran: $*"
END
chmod +x "$3/unpacked/bazel"
sleep {seconds}
mv "$3/unpacked" "$1"
"""


class Clone:
    """A clone of what bazelw is made of, in a folder that another user may read too."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder / "a clone"
        self.bin = folder / "bin"
        self.cache = folder / "the cache"
        self.calls = folder / "calls"
        self.calls.touch()
        self.bin.mkdir()
        for name in TOOLS:
            program = shutil.which(name)
            assert program, f"this test needs {name}"
            (self.bin / name).symlink_to(program)
        shutil.copytree(ROOT / "tools" / "bazelw", self.folder / "tools" / "bazelw")
        for name in ("bazelw", ".bazelversion"):
            shutil.copy(ROOT / name, self.folder / name)
        self.wanted = (self.folder / ".bazelversion").read_text().strip()

    def program(self, name: str, text: str) -> Path:
        """Puts a program on PATH, or replaces it."""
        path = self.bin / name
        path.unlink(missing_ok=True)
        path.write_text(text)
        path.chmod(0o755)
        return path

    def bazel(self, name: str, version: str) -> Path:
        """Puts a bazel or bazelisk on PATH that says which version it is and what it ran."""
        return self.program(name, BAZEL.format(name=name, version=version))

    def debian(self, seconds: float = 0) -> None:
        """Lets the Debian way work, without a mirror."""
        for name in ("apt-get", "dpkg-deb"):
            self.program(name, "#!/bin/sh\nexit 1\n")
        (self.folder / "tools" / "bazelw" / "debian.sh").write_text(DEBIAN.format(seconds=seconds))

    def start(self, *arguments: str, user: int | None = None, **environment: str | None) -> subprocess.Popen[str]:
        """Starts bazelw. A variable given as None is not set."""
        wanted: dict[str, str | None] = {
            "PATH": str(self.bin),
            "HOME": str(self.cache.parent),
            "XDG_CACHE_HOME": str(self.cache),
            "CALLS": str(self.calls),
            "LEPTON_BAZELISK_PATIENCE": "2",
        }
        wanted.update(environment)
        return subprocess.Popen(
            [self.folder / "bazelw", *arguments],
            env={key: value for key, value in wanted.items() if value is not None},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
            user=user,
            group=user,
            extra_groups=None if user is None else [],
        )

    def run(self, *arguments: str, user: int | None = None, **environment: str | None) -> tuple[int, str, str]:
        """Runs bazelw to its end: exit status, standard output, standard error."""
        process = self.start(*arguments, user=user, **environment)
        out, err = process.communicate(timeout=60)
        return process.returncode, out, err


@pytest.fixture
def clone() -> Iterator[Clone]:
    # Not in /tmp, where bazelw keeps no Debian Bazel, and not below a home that other users cannot enter.
    folder = Path(tempfile.mkdtemp(dir="/var/tmp", prefix="lepton-bazelw-"))
    folder.chmod(0o755)
    yield Clone(folder)
    shutil.rmtree(folder)


# --- What is on PATH ---


def test_bazelisk_on_path_is_used_and_remembered(clone: Clone) -> None:
    clone.bazel("bazelisk", "7.7.1")
    clone.bazel("bazel", "7.7.1")
    assert clone.run("build", "--x=a b")[:2] == (0, "bazelisk ran: build --x=a b\n")
    assert clone.run("test") == (0, "bazelisk ran: test\n", "")  # silent when done


@pytest.mark.parametrize("version", ["7.7.1", "7.7.2", "7.8.0", "7.10.0"])
def test_bazel_on_path_in_range_is_used_without_a_cache(clone: Clone, version: str) -> None:
    clone.bazel("bazel", version)
    assert clone.run("info", HOME=None, XDG_CACHE_HOME=None) == (0, "bazel ran: info\n", "")


@pytest.mark.parametrize("version", ["7.7.0", "7.6.9", "6.10.0", "8.0.0", "70.7.1", "no_version", "7", "7.7.1rc1", ""])
def test_bazel_on_path_out_of_range_is_passed_over(clone: Clone, version: str) -> None:
    clone.bazel("bazel", version)
    clone.debian()
    assert clone.run("info")[:2] == (0, "debian ran: info\n")


def test_status_and_startup_options_pass_through(clone: Clone) -> None:
    clone.program(
        "bazel",
        f'#!/bin/sh\n[ "$*" = --version ] && echo bazel {clone.wanted} && exit\nprintf \'<%s>\' "$@"\nexit 37\n',
    )
    assert clone.run("--output_base=/a b", "build", "", "*")[:2] == (37, "<--output_base=/a b><build><><*>")


def test_link_to_bazelw_named_bazel_is_not_taken_for_bazel(clone: Clone) -> None:
    (clone.bin / "bazel").symlink_to(clone.folder / "bazelw")
    clone.debian()
    environment = {"PATH": str(clone.bin), "XDG_CACHE_HOME": str(clone.cache), "CALLS": str(clone.calls)}
    done = subprocess.run(
        ["bazel", "info"], env=environment, executable=clone.bin / "bazel", capture_output=True, text=True, timeout=60
    )
    assert (done.returncode, done.stdout) == (0, "debian ran: info\n")


def test_bazelisk_that_cannot_download_gives_way_once(clone: Clone) -> None:
    program = clone.program("bazelisk", f'#!/bin/sh\necho tried >>"$CALLS"\n{UNREACHABLE}\n')
    clone.debian()
    assert clone.run("info")[:2] == (0, "debian ran: info\n")
    assert clone.run("info") == (0, "debian ran: info\n", "")
    assert clone.calls.read_text().split() == ["tried", "debian"]
    # Another one is tried, and what was unpacked is kept.
    program.unlink()
    other = clone.bin / "other"
    other.mkdir()
    (other / "bazelisk").write_text(BAZEL.format(name="other", version=clone.wanted))
    (other / "bazelisk").chmod(0o755)
    assert clone.run("info", PATH=f"{clone.bin}:{other}")[:2] == (0, "other ran: info\n")


# --- LEPTON_BAZEL ---


def test_lepton_bazel_comes_first_and_is_passed_on(clone: Clone) -> None:
    clone.bazel("bazelisk", "7.7.1")
    mine = clone.program("mine", '#!/bin/sh\necho "mine: $LEPTON_BAZEL"\n')
    assert clone.run(LEPTON_BAZEL=str(mine)) == (0, f"mine: {mine}\n", "")
    clone.program(
        "bazel", f'#!/bin/sh\n[ "$*" = --version ] && echo bazel {clone.wanted} && exit\necho "$LEPTON_BAZEL"\n'
    )
    (clone.bin / "bazelisk").unlink()
    assert clone.run("info")[1] == f"{clone.bin}/bazel\n"


def test_lepton_bazel_that_is_no_program(clone: Clone) -> None:
    status, out, err = clone.run(LEPTON_BAZEL=str(clone.folder))
    assert (status, out) == (1, "")
    assert err == (
        f"lepton: no Bazel at {clone.folder}: LEPTON_BAZEL names no program. "
        "Unset it, or point it at bazel or bazelisk.\n"
    )


# --- What is fetched ---


def test_bazelisk_from_npm_where_it_can_download(clone: Clone) -> None:
    clone.program("npm", NPM.format(body='echo "npm ran: $*"'))
    clone.debian()
    status, out, err = clone.run("build")
    assert (status, out) == (0, "npm ran: build\n")
    assert err == f"lepton: fetching Bazel {clone.wanted}, once\n"
    assert clone.run("build") == (0, "npm ran: build\n", "")
    assert clone.calls.read_text() == "npm\n"


def test_bazelisk_from_npm_that_receives_nothing_gives_way_to_debian(clone: Clone) -> None:
    clone.program("npm", NPM.format(body="exec sleep 50"))
    clone.debian()
    started = time.monotonic()
    assert clone.run("info")[:2] == (0, "debian ran: info\n")
    assert time.monotonic() - started < 20
    assert clone.run("info") == (0, "debian ran: info\n", "")
    assert clone.calls.read_text().split() == ["npm", "debian"]  # the outcome is remembered


def test_slow_download_is_waited_for(clone: Clone) -> None:
    body = """if [ "$*" = --version ]; then
  mkdir -p "$BAZELISK_HOME"
  for second in 1 2 3 4; do head -c 100000 /dev/zero >>"$BAZELISK_HOME/part"; sleep 1; done
  exit
fi
echo "npm ran: $*"
"""
    clone.program("npm", NPM.format(body=body))
    clone.debian()
    assert clone.run("info")[:2] == (0, "npm ran: info\n")


def test_all_ways_fail_says_why_and_how_to_mend_each(clone: Clone) -> None:
    clone.program("npm", "#!/bin/sh\necho 'npm error code EINTEGRITY' >&2\nexit 1\n")
    status, out, err = clone.run("build")
    assert (status, out) == (1, "")
    assert err.splitlines() == [
        f"lepton: fetching Bazel {clone.wanted}, once",
        f"lepton: no Bazel {clone.wanted} could be fetched: each way failed. "
        "Put bazelisk or a bazel of that version on PATH, or mend one of these.",
        "lepton:   bazelisk from npm: npm error code EINTEGRITY",
        "lepton:   Debian's Bazel: this machine has no apt-get and dpkg-deb",
    ]
    assert [path.name for path in (clone.cache / "lepton_rules").iterdir()] == ["lock"]


# --- Many callers, and callers that die ---


def test_first_calls_at_once_fetch_once(clone: Clone) -> None:
    clone.debian(seconds=1)
    processes = [clone.start("info", str(number)) for number in range(6)]
    for number, process in enumerate(processes):
        out, err = process.communicate(timeout=60)
        assert (process.returncode, out) == (0, f"debian ran: info {number}\n"), err
    assert clone.calls.read_text() == "debian\n"


def test_kill_in_the_middle_leaves_nothing_in_the_way(clone: Clone) -> None:
    clone.debian(seconds=20)
    process = clone.start("info")
    deadline = time.monotonic() + 30
    while "debian" not in clone.calls.read_text():
        assert time.monotonic() < deadline
        time.sleep(0.05)
    os.killpg(process.pid, signal.SIGKILL)
    process.communicate()
    kept = clone.cache / "lepton_rules"
    assert list(kept.glob("work.*"))
    clone.debian()
    assert clone.run("info")[:2] == (0, "debian ran: info\n")
    assert not list(kept.glob("work.*"))


def test_interrupt_cleans_up(clone: Clone) -> None:
    clone.debian(seconds=3)
    process = clone.start("info")
    deadline = time.monotonic() + 30
    while "debian" not in clone.calls.read_text():
        assert time.monotonic() < deadline
        time.sleep(0.05)
    os.killpg(process.pid, signal.SIGTERM)
    process.communicate()
    assert process.returncode != 0
    assert not list((clone.cache / "lepton_rules").glob("work.*"))


# --- Users, homes and caches ---


def test_no_home(clone: Clone) -> None:
    status, out, err = clone.run("info", HOME=None, XDG_CACHE_HOME=None)
    assert (status, out) == (1, "")
    assert err == (
        "lepton: no place to keep Bazel: neither HOME nor XDG_CACHE_HOME is set. Set one, or put bazelisk on PATH.\n"
    )


def test_cache_that_cannot_be_made(clone: Clone) -> None:
    status, out, err = clone.run("info", XDG_CACHE_HOME=str(clone.calls))  # a file
    assert (status, out) == (1, "")
    assert err == (
        f"lepton: no place to keep Bazel: {clone.calls}/lepton_rules cannot be made. "
        "Set XDG_CACHE_HOME to a folder that can be written.\n"
    )


def test_another_user_needs_no_root_and_a_folder_that_it_can_write(clone: Clone) -> None:
    user = NOBODY if os.geteuid() == 0 else None
    clone.calls.chmod(0o666)
    clone.debian()
    cache = clone.cache / "lepton_rules"
    cache.mkdir(parents=True)
    cache.chmod(0o555)
    status, out, err = clone.run("info", user=user)
    assert (status, out) == (1, "")
    assert (
        err == f"lepton: no place to keep Bazel: {cache} cannot be written. Set XDG_CACHE_HOME to a folder that can.\n"
    )
    cache.chmod(0o777)
    assert clone.run("info", user=user)[:2] == (0, "debian ran: info\n")
    cache.chmod(0o555)
    assert clone.run("info", user=user) == (0, "debian ran: info\n", "")  # once fetched, nothing is written
    cache.chmod(0o777)


# --- debian.sh, with a mirror of ours ---

APT_GET = """#!/bin/sh
case "$*" in
  *--print-uris*) {uris} ;;
  *update*) cat "$APT_CONFIG" >>"$CALLS"; {update} ;;
  *) echo 'E: nothing to download' >&2; exit 100 ;;
esac
"""
URIS = """
echo "'http://user:secret@mirror.invalid/debian/dists/bookworm/InRelease' x 0"
echo "'http://user:secret@mirror.invalid/debian/dists/bookworm/main/binary-amd64/Packages.xz' x 0"
echo "'http://mirror.invalid/debian-security/dists/bookworm-security/InRelease' x 0"
"""


def debian_sh(
    clone: Clone, tmp_path: Path, *, uris: str = URIS, update: str = "exit 0", version: str = "8.0.0+ds-1"
) -> str:
    """Runs the real debian.sh with apt's programs replaced; gives what it says."""
    clone.program("dpkg", "#!/bin/sh\necho amd64\n")
    clone.program(
        "apt-config",
        "#!/bin/sh\n"
        "echo 'Acquire::http::Proxy \"http://proxy.invalid\";'\n"
        "echo 'APT::Update::Post-Invoke:: \"touch hooked\";'\n",
    )
    clone.program("apt-get", APT_GET.format(uris=uris, update=update))
    clone.program("apt-cache", f"#!/bin/sh\necho 'Version: {version}'\n")
    script = clone.folder / "tools" / "bazelw" / "debian.sh"
    # The keyring may be missing on the machine that runs this test; the mirror of ours needs none.
    keyring = tmp_path / "keyring.gpg"
    keyring.touch()
    script.write_text(script.read_text().replace("/usr/share/keyrings/debian-archive-keyring.gpg", str(keyring)))
    work = tmp_path / "work"
    work.mkdir()
    done = subprocess.run(
        [clone.bin / "bash", script, tmp_path / "prefix", clone.wanted, work],
        env={"PATH": str(clone.bin), "CALLS": str(clone.calls)},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 1
    assert done.stdout == ""
    assert not (tmp_path / "prefix").exists()
    return done.stderr.strip()


def test_mirror_with_a_version_out_of_range(clone: Clone, tmp_path: Path) -> None:
    assert debian_sh(clone, tmp_path) == (
        "no mirror of this machine's apt has bazel-bootstrap 7.x, 7.7.1 or later, in the suite sid "
        "(http://mirror.invalid/debian has bazel-bootstrap 8.0.0+ds-1). "
        "Name a full Debian mirror in apt's sources, or use bazelisk."
    )


def test_mirror_that_does_not_answer_keeps_its_credentials_secret(clone: Clone, tmp_path: Path) -> None:
    said = debian_sh(
        clone, tmp_path, update="echo 'E: Failed to fetch http://user:secret@mirror.invalid/debian' >&2; exit 100"
    )
    assert "(http://mirror.invalid/debian: E: Failed to fetch http://mirror.invalid/debian)" in said
    assert "secret" not in said


def test_machine_without_a_mirror(clone: Clone, tmp_path: Path) -> None:
    assert debian_sh(clone, tmp_path, uris=":") == (
        "apt's sources on this machine name no mirror. Add Debian's to /etc/apt/sources.list."
    )


def test_packages_that_cannot_be_downloaded(clone: Clone, tmp_path: Path) -> None:
    assert (
        debian_sh(clone, tmp_path, version="7.7.3+ds-1")
        == "its packages could not be downloaded: E: nothing to download"
    )


def test_apt_takes_the_machines_proxy_and_none_of_its_hooks(clone: Clone, tmp_path: Path) -> None:
    debian_sh(clone, tmp_path)
    configuration = clone.calls.read_text()
    assert 'Acquire::http::Proxy "http://proxy.invalid";' in configuration
    assert "Post-Invoke" not in configuration
    assert 'APT::Get::AllowUnauthenticated "false";' in configuration


# --- What the tree promises ---


# --- archive.sh, with a Bazel of ours ---

ARCHIVED = """#!/bin/sh
for option; do case $option in *AOTCacheOutput=*) archive=${option#*AOTCacheOutput=} ;; shutdown) ends=1 ;; esac; done
test -f MODULE.bazel || exit 2
{writes}
"""


def archive_sh(clone: Clone, tmp_path: Path, writes: str) -> tuple[int, list[str]]:
    """Runs archive.sh on a prefix with another Bazel; gives its status and what is in the prefix then."""
    prefix, work = tmp_path / "a prefix", tmp_path / "work"
    prefix.mkdir()
    work.mkdir()
    (prefix / "bazel").write_text(ARCHIVED.replace("{writes}", writes))
    (prefix / "bazel").chmod(0o755)
    done = subprocess.run(
        [clone.bin / "bash", clone.folder / "tools" / "bazelw" / "archive.sh", prefix, work],
        env={"PATH": str(clone.bin)},
        capture_output=True,
        timeout=60,
    )
    return done.returncode, sorted(path.name for path in prefix.iterdir())


def test_archive_of_classes_is_there_when_it_is_whole(clone: Clone, tmp_path: Path) -> None:
    writes = 'if [ -n "${ends:-}" ]; then echo classes >"$archive"; else : >"$archive"; exit 1; fi'
    assert archive_sh(clone, tmp_path, writes) == (0, ["bazel", "server.aot"])
    assert (tmp_path / "a prefix" / "server.aot").read_text() == "classes\n"


def test_jvm_that_writes_no_archive_leaves_none(clone: Clone, tmp_path: Path) -> None:
    assert archive_sh(clone, tmp_path, "exit 0") == (1, ["bazel"])


def test_lock_of_bazelisk_has_its_digest_and_no_host() -> None:
    lock = (ROOT / "tools" / "bazelw" / "npm" / "package-lock.json").read_text()
    assert '"integrity": "sha512-' in lock
    assert "resolved" not in lock


def test_bazelw_can_be_run() -> None:
    assert (ROOT / "bazelw").stat().st_mode & stat.S_IXUSR
    # bazelisk and Debian's wrapper would take a program of this name for one of theirs.
    assert not (ROOT / "tools" / "bazel").exists()
