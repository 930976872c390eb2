"""How lepton_rules speaks: `lepton: <what> in <label>: <why>. <the fix>.`"""

def display_label(label):
    """A label as the user types it: `//pkg:name` in the main repository.

    Args:
      label: a Label.

    Returns:
      string.
    """
    text = str(label)
    for prefix in ["@@//", "@//"]:
        if text.startswith(prefix):
            return text[len(prefix) - 2:]
    return text

def message(what, label, why, fix):
    """One error message.

    Args:
      what: string: the thing that is wrong.
      label: Label or string: the target that holds it.
      why: string: what was got and what is accepted.
      fix: string: what to do.

    Returns:
      string.
    """
    where = label if type(label) == "string" else display_label(label)
    return "lepton: {} in {}: {}. {}.".format(what, where, why, fix)

def _distance(a, b):
    # Levenshtein, one row at a time.
    row = list(range(len(b) + 1))
    for i in range(len(a)):
        above = row
        row = [i + 1]
        for j in range(len(b)):
            row.append(min(above[j + 1] + 1, row[j] + 1, above[j] + (0 if a[i] == b[j] else 1)))
    return row[-1]

def near_miss(got, accepted):
    """The accepted name that `got` most likely means.

    Args:
      got: string.
      accepted: list of string.

    Returns:
      string: ` Did you mean "x"?`-like text that fits between two sentences, or the list of what is accepted.
    """
    best = None
    best_distance = 1000
    for name in sorted(accepted):
        distance = _distance(got.lower(), name.lower())
        if distance < best_distance:
            best, best_distance = name, distance
    if best != None and best_distance <= max(2, len(got) // 3):
        return "did you mean \"{}\"?".format(best)
    return "accepted are " + (", ".join(sorted(accepted)) or "none")
