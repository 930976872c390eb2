"""Names and quantities as Kubernetes accepts them. Starlark has no regular expressions.

Sources: RFC 1123, section 2.1; k8s.io/apimachinery/pkg/util/validation and pkg/api/resource.
"""

_LOWER = "abcdefghijklmnopqrstuvwxyz"
_DIGITS = "0123456789"
_LETTERS = _LOWER + _LOWER.upper()

# In thousandths. Fractions of a thousandth are refused: nobody means them.
_SUFFIXES = {
    "": 1000,
    "E": 1000 * 1000000000000000000,
    "Ei": 1000 << 60,
    "G": 1000 * 1000000000,
    "Gi": 1000 << 30,
    "K": None,
    "Ki": 1000 << 10,
    "M": 1000 * 1000000,
    "Mi": 1000 << 20,
    "P": 1000 * 1000000000000000,
    "Pi": 1000 << 50,
    "T": 1000 * 1000000000000,
    "Ti": 1000 << 40,
    "k": 1000 * 1000,
    "m": 1,
}

def _only(text, accepted):
    return all([character in accepted for character in text.elems()])

def is_dns_label(text):
    """Whether it is a DNS-1123 label: 1 to 63 of a-z, 0-9 and `-`, the first and last no `-`.

    Args:
      text: string.

    Returns:
      bool.
    """
    return 0 < len(text) and len(text) <= 63 and _only(text, _LOWER + _DIGITS + "-") and text[0] != "-" and text[-1] != "-"

def is_dns_subdomain(text):
    """Whether it is labels between dots, at most 253 characters.

    Args:
      text: string.

    Returns:
      bool.
    """
    return len(text) <= 253 and all([is_dns_label(part) for part in text.split(".")])

def is_service_name(text):
    """Whether a Service may have this name: a DNS-1123 label that begins with a letter.

    Args:
      text: string.

    Returns:
      bool.
    """
    return is_dns_label(text) and text[0] in _LOWER

def _is_qualified(text):
    ends = _LETTERS + _DIGITS
    return 0 < len(text) and len(text) <= 63 and _only(text, ends + "-_.") and text[0] in ends and text[-1] in ends

def is_label_value(text):
    """Whether a label may have this value: empty, or at most 63 of letters, digits, `-`, `_` and `.`.

    Args:
      text: string.

    Returns:
      bool.
    """
    return not text or _is_qualified(text)

def is_label_key(text):
    """Whether a label or an annotation may have this key: a name, after an optional domain and `/`.

    Args:
      text: string.

    Returns:
      bool.
    """
    domain, slash, name = text.rpartition("/")
    return (is_dns_subdomain(domain) if slash else True) and _is_qualified(name)

def is_environment_name(text):
    """Whether an environment variable may be called so: letters, digits and `_`, the first no digit.

    Args:
      text: string.

    Returns:
      bool.
    """
    return len(text) > 0 and _only(text, _LETTERS + _DIGITS + "_") and text[0] not in _DIGITS

def quantity(text):
    """A quantity in thousandths, or None where it is none.

    Args:
      text: string, such as `256Mi`, `500m` or `1.5`.

    Returns:
      int or None.
    """
    number = text.rstrip(_LETTERS)
    scale = _SUFFIXES.get(text[len(number):])
    whole, point, fraction = number.partition(".")
    if scale == None or not (whole + fraction) or not _only(whole + fraction, _DIGITS) or len(number) > 24:
        return None
    if point and not whole:
        return None
    denominator = 1
    for _ in range(len(fraction)):
        denominator *= 10
    amount = int(whole + fraction, 10) * scale
    return amount // denominator if amount % denominator == 0 else None

def is_repository(text):
    """Whether it is an image's name without tag and digest: an optional host with port, and paths between `/`.

    Args:
      text: string.

    Returns:
      bool.
    """
    parts = text.split("/")
    first, colon, port = parts[0].partition(":")
    if colon and (len(parts) == 1 or not port or len(port) > 5 or not _only(port, _DIGITS)):
        return False
    for part in [first] + parts[1:]:
        if not part or not _only(part, _LOWER + _DIGITS + "._-"):
            return False
        if part[0] in "._-" or part[-1] in "._-":
            return False
    return len(text) <= 255
