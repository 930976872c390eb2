def test_wrong() -> None:
    raise AssertionError("it is wrong")
