def test_wrong() -> None:
    assert False, "it is wrong"
