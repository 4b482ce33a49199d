"""A city of rental homes in which every violation has honest look-alikes, as a history for back-tests (`write_city`).

A third population beside `simulators.city` and its sisters, drawn in another way again: whoever is away, empties a home
or lets others in does so by one and the same generator, honest or not; the rates alone differ a little. A detector that
lives on tell-tale shapes of a simulator finds none here.
"""

from simulators.city_of_lookalikes.generate import write_city

__all__ = ["write_city"]
