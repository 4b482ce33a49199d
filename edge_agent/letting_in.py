"""Somebody may pass: the use is counted, the door opened or the waiting device told, and what went wrong is said."""

from __future__ import annotations

from device_drivers.contract.words import CommandOutcome
from device_drivers.driver import CredentialPresented, Driver
from edge_agent.decide import Decision, use_of
from edge_agent.doors import Doors
from edge_agent.uses import Uses


async def let_in(
    uses: Uses, doors: Doors, driver: Driver, shown: CredentialPresented, decision: Decision, access_point: str
) -> str:
    """Opens once, or tells the device that waits for it.

    Returns what is to be told with the event: why the way was free, which use it was, what went wrong.
    """
    said = f"出口或常开的门不拒绝任何人；按名单此凭证不能通行（{decision.overruled}）" if decision.overruled else ""
    use = use_of(decision.credential or "", access_point) if decision.uses is not None else None
    if use:
        said = f"第 {uses.take(use)} 次，共 {decision.uses} 次"
        await uses.keep(use)
    if shown.answer:
        outcome, text = await shown.answer(True, "")
    else:
        outcome, text = await doors.pulse(driver, shown.point)
    if outcome in (CommandOutcome.DONE, CommandOutcome.UNCERTAIN):
        sure = f"door not opened for sure ({outcome}): {text}" if outcome is CommandOutcome.UNCERTAIN else ""
        return "；".join(filter(None, (said, sure)))
    if use:
        uses.give_back(use)
        await uses.keep(use)
    return f"door not opened: {text or 'no answer'}"
