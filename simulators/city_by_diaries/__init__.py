"""A city of rental homes, person by person and day by day, as a history for back-tests (`write_city`).

A second population beside `simulators.city`, drawn in another way, so that a detector is not judged by the assumptions
it was made with: people with diaries instead of households with rates, exports that differ in form from city to city.
"""

from simulators.city_by_diaries.generate import write_city

__all__ = ["write_city"]
