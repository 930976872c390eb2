"""Where a file of a model is, and what of an address may be shown."""

# What a name of a file, a model or a revision is made of: it goes into an address and into a label as it is.
_PLAIN = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._+@=,-"

def is_relative_path(text):
    """Tells whether a text is a path of plain names below where it is looked up.

    Args:
      text: string.

    Returns:
      bool.
    """
    for name in text.split("/"):
        if name in ["", ".", ".."] or name.strip(_PLAIN):
            return False
    return True

def split_address(url):
    """Takes the user name and the password out of an address.

    Args:
      url: string.

    Returns:
      struct(url = string without them, login = string or None, password = string).
    """
    scheme, separator, rest = url.partition("://")
    authority, slash, path = rest.partition("/")
    user, at, host = authority.rpartition("@")
    if not separator or not at:
        return struct(url = url, login = None, password = "")
    login, _, password = user.partition(":")
    return struct(url = scheme + separator + host + slash + path, login = login, password = password)

def redacted(url):
    """An address without what may be secret in it: a user's name and password, and what follows a `?`.

    Args:
      url: string.

    Returns:
      string.
    """
    address, mark, _ = split_address(url).url.partition("?")
    return address + ("?…" if mark else "")
