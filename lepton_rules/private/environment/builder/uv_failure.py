"""What uv's words mean: the kind of failure, and the one line that a person needs."""

from __future__ import annotations

import re
from dataclasses import dataclass

from lepton_rules.private.environment.builder.refusal import Refusal

_UNREACHABLE = re.compile(
    r"Failed to fetch|error sending request|Could not connect|timed out|dns error|Connection refused|certificate|"
    r"HTTP status (client|server) error|\b40[13] (Unauthorized|Forbidden)",
    re.IGNORECASE,
)
_LACKING = re.compile(
    r"there (is|are) no versions? of|not found in|no wheels|no usable wheels|no matching|has no .* wheels|is disabled|"
    r"was not found|No solution found",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class UvFailure:
    """uv's output, with credentials already taken out."""

    output: str

    @property
    def wrong_hash(self) -> bool:
        """Whether a file did not have the lock's hash."""
        return "hash mismatch" in self.output.lower()

    @property
    def unreachable(self) -> bool:
        """Whether an index did not answer, or not with what was asked for."""
        return not self.wrong_hash and bool(_UNREACHABLE.search(self.output))

    @property
    def lacking(self) -> bool:
        """Whether no place has a wheel that fits."""
        return not self.wrong_hash and not self.unreachable and bool(_LACKING.search(self.output))

    def refusal(self, what: str, relock: str) -> Refusal:
        """The message for it. `relock` is the command that writes the lock again."""
        words = " ".join(self.output.split())
        if self.wrong_hash:
            matched = re.search(
                r"Hash mismatch for `(?P<name>[^`]+)`.*?Expected: (?P<wanted>.+?) Computed: (?P<got>\S+)", words
            )
            reason = (
                f"{matched['name']} must have {_first_hash(matched['wanted'])} and has {matched['got']}"
                if matched
                else "a wheel has another hash"
            )
            return Refusal(
                what, reason, f"If the new file is to be trusted, write the lock again: {relock}", self.output
            )
        if self.unreachable:
            where = re.search(r"https?://[^\s)`]+", words)
            causes = re.findall(r"\b40[13] (?:Unauthorized|Forbidden)", words) or re.findall(
                r"cause: (.+)", self.output
            )
            cause = (causes[-1] if causes else words)[:160].strip()
            reason = f"{where[0] if where else 'a package index'} did not give what was asked for ({cause})"
            return Refusal(
                what,
                reason,
                "Mend the index in pip's configuration (pip config list) or in package_indexes",
                self.output,
            )
        if self.lacking:
            matched = re.search(r"Because (?P<reason>.+?)(?: and you require|, we can conclude|$)", words)
            reason = (
                f"no wheel for this machine and this Python ({(matched['reason'] if matched else words)[:160].strip()})"
            )
            fix = f"Add its place to pip's configuration or package_indexes, or lock a version that has one: {relock}"
            return Refusal(what, reason, fix, self.output)
        return Refusal(
            what,
            f"uv failed ({words[:160].strip()})",
            f"Mend what uv says below, or write the lock again: {relock}",
            self.output,
        )


def _first_hash(text: str) -> str:
    hashes = re.findall(r"sha\d+:[0-9a-f]+", text)
    if not hashes:
        return "another hash"
    return str(hashes[0]) + (f" or one of {len(hashes) - 1} more" if len(hashes) > 1 else "")
