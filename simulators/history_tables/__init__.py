"""The tables of the back-test history format, for all simulators of cities: their columns, and how they are written to files.

What stands in them, and in which order, is each simulator's own. There are two forms: `typed`, and `texts` as other systems
export them; readers are to meet both.
"""
