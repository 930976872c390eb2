"""Judges in a build action what needs no measuring. The test only shows the verdict.

    launch -s -P lepton_rules/measure/verdict_action.py size --output_report=… --output_verdict=… --output_xml=…
        --output_measurement=… <the flags of size_test.py>

A budget that does not hold is a verdict, not a failure of the action: the action writes it and succeeds. Where there is
no verdict, such as for metrics of another model, the action fails, so that nothing wrong is cached.
"""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))

from lepton_rules.measure import accuracy_test, compatibility_test, gate, parity_test, reproducibility_test, size_test

_TESTS = {
    "accuracy": accuracy_test,
    "compatibility": compatibility_test,
    "parity": parity_test,
    "reproducibility": reproducibility_test,
    "size": size_test,
}


if __name__ == "__main__":
    test = _TESTS[sys.argv[1]]
    sys.exit(gate.main(test.parser(), test.measure, sys.argv[2:]))
