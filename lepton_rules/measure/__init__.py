"""Statistics, verdicts and reports of the gates. Standard library only; importing it loads no numerical library."""
