"""How lepton_rules speaks: `lepton: <what> in <label>: <why>. <the fix>.`"""

def display_label(label):
    """A label as the user types it: `//pkg:name` in the main repository, `@module//pkg:name` in a module.

    Args:
      label: a Label.

    Returns:
      string.
    """
    text = str(label)
    if text.startswith("@@//"):
        return text[2:]
    if text.startswith("@//"):
        return text[1:]
    repository, slashes, rest = text.removeprefix("@@").partition("//")
    for mark in ["~", "+"]:
        # The canonical name of a module of which there is one version.
        module = repository.removesuffix(mark)
        if text.startswith("@@") and module != repository and mark not in module:
            return "@" + module + slashes + rest
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
    return "lepton: {} in {}: {} {}".format(what, where, _sentence(why), _sentence(fix))

def _sentence(text):
    return text if text[-1:] in [".", "!", "?"] else text + "."

def _distance(a, b):
    # Levenshtein, one row at a time.
    row = list(range(len(b) + 1))
    for i in range(len(a)):
        above = row
        row = [i + 1]
        for j in range(len(b)):
            row.append(min(above[j + 1] + 1, row[j] + 1, above[j] + (0 if a[i] == b[j] else 1)))
    return row[-1]

def near_miss(got, accepted, listing = "accepted are", listed = None):
    """The accepted name that `got` most likely means.

    Args:
      got: string.
      accepted: list of string.
      listing: string: what introduces the list of all that is accepted.
      listed: list of string: what the list shows where not all that is accepted.

    Returns:
      string: the end of a sentence: `did you mean "x"?`, or the list of what is accepted where nothing is near.
    """
    best = None
    best_distance = 1000
    for name in sorted(accepted):
        distance = _distance(got.lower(), name.lower())
        if distance < best_distance:
            best, best_distance = name, distance
    if best != None and best_distance <= max(2, len(got) // 3):
        return "did you mean \"{}\"?".format(best)
    return "{} {}".format(listing, ", ".join(sorted(accepted if listed == None else listed)) or "none")
