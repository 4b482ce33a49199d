"""A city of rental homes whose people have lives, as a history for back-tests (`write_city`).

Another population beside `simulators.city` and its sisters, drawn in another way again: everybody has a job, a partner or
a family of origin, falls ill, goes away and comes back; who is where on which day is kept person by person, and the records
of doors and meters follow from that alone.
"""

from simulators.city_by_lives.generate import write_city

__all__ = ["write_city"]
