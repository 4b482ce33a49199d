"""A city of rental homes whose nights are drawn first, as a history for back-tests (`write_city`).

Another population beside `simulators.city` and its sisters, drawn in another way again: who sleeps at home on which
night is drawn for everybody, honest or not; the trips follow from the nights, then the doors on the way, and last by what
means each door is passed. Whatever happens in an empty home comes from one generator.
"""

from simulators.city_by_nights.generate import write_city

__all__ = ["write_city"]
