"""Numbers are written with their decimals, however long they are."""

from decimal import Decimal

from upbit_simulator.encoding import with_places


def test_a_trillion_keeps_its_sixteen_decimals() -> None:
    assert str(with_places(Decimal("1234567890123.5"), 16)) == "1234567890123.5000000000000000"
