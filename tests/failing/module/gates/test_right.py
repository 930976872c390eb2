def test_right() -> None:
    assert True
