"""A city of rental homes whose estates differ in what they can see, as a history for back-tests (`write_city`).

Another population beside `simulators.city` and its sisters, drawn in another way again: every estate has doors, credentials,
meters and faults of its own. A short story of each home says who is there on which day; the ways of an estate, what its doors
record and what its meters count follow from that.
"""

from simulators.city_by_estates.generate import write_city

__all__ = ["write_city"]
