"""Everything that a script can do: what people do, and what goes wrong. Each act takes one whole number and never fails."""

from tools.chain.acts import box, counter, devices, hub, installer, network, office, time
from tools.chain.acts.register import ACTS, FAULTS, PEOPLE

KINDS = (office, counter, installer, time, hub, network, box, devices)
__all__ = ("ACTS", "FAULTS", "KINDS", "PEOPLE")
