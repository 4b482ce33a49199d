"""A city of rental homes whose people keep weekly schedules, as a history for back-tests (`write_city`).

Another population beside `simulators.city` and its sisters, drawn in another way again: each person has a weekly
schedule (work or school, errands, favourite hours), and episodes are laid over it: trips, festivals, hospital, seasons
of work. A going-out or coming-in is a leg past the gate, the block's door and the dwelling's own, each of which notices
it or not.
"""

from simulators.city_by_schedules.generate import write_city

__all__ = ["write_city"]
