"""A checkout as a stranger has it, on a machine that has built nothing yet."""

from __future__ import annotations

import shutil
from pathlib import Path

from harness.bazel import TREE, Broken, Run, remove, run


class Fresh:
    """The files that git knows, copied, and empty folders for whatever Bazel, uv, pip and npm keep. Configuration stays
    that of this machine: where packages come from.

    Args:
      folder: where; removed first.
      warm_cache: whether Bazel and packages that were fetched before are used: only the outputs are new.
    """

    def __init__(self, folder: Path, warm_cache: bool) -> None:
        remove(folder)
        self.folder = folder
        self.tree = folder / "tree"
        names = run(["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"], cwd=TREE).output
        for name in filter(None, names.split("\0")):
            if (TREE / name).is_file():
                (self.tree / name).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(TREE / name, self.tree / name)
        self._startup = [f"--output_user_root={folder}/bazel"] if warm_cache else []
        cache = folder / "cache"
        cache.mkdir()
        self._environment = {"LEPTON_BAZEL": ""}
        if not warm_cache:
            self._environment |= {"XDG_CACHE_HOME": str(cache), "npm_config_cache": str(cache / "npm")}

    def bazelw(self, command: str, *arguments: str, check: bool = True) -> Run:
        """`./bazelw command arguments`, as the README has it."""
        words = ["./bazelw", *self._startup, command, *arguments]
        return run(words, cwd=self.tree, environment=self._environment, check=check)

    def forget(self) -> None:
        """Ends the server and removes everything."""
        base = self.bazelw("info", "output_base", check=False).output.strip().splitlines()[-1]
        self.bazelw("shutdown", check=False)
        if not base.startswith(str(self.folder)):
            raise Broken(f"the build from nothing had its outputs in {base}, which may have been there before")
        remove(self.folder)
