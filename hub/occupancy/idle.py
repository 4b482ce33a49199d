"""(P) What the meters say of a window of absence: near zero, in use, or nothing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from hub.occupancy.finding import Evidence
from hub.occupancy.pack import Vacancy
from hub.occupancy.runs import IDLE_ELECTRICITY_SHARE, IDLE_WATER_SHARE, mean_of
from hub.occupancy.values import DayState, PresenceDay


@dataclass(frozen=True, slots=True)
class MeterView:
    """`near_zero` True/False by water, or by electricity where water is not measured; None: the meters cannot say."""

    near_zero: bool | None
    because: tuple[str, ...]
    against: tuple[str, ...]
    evidence: tuple[Evidence, ...]


def meters_of_absence(days: Sequence[PresenceDay], meters: Mapping[str, str], rule: Vacancy) -> MeterView:
    """The meters' word on the absent days of a window."""
    counted = [day for day in days if day.state is DayState.ABSENT]
    water = mean_of([day.water for day in counted], len(counted))
    power = mean_of([day.electricity for day in counted], len(counted))
    usual_water, usual_power = (days[0].usual_water, days[0].usual_electricity) if days else (None, None)
    if "water" in meters and water is not None:
        return _by_water(counted, meters, rule, water, usual_water, _power_text(power, usual_power))
    if "electricity" in meters and power is not None and usual_power:
        return _by_power(meters, power, usual_power)
    return MeterView(None, (), ("没有可用的水电表数据，无法从用水用电佐证（单一信号，至多为黄色）。",), ())


def _by_water(
    counted: Sequence[PresenceDay],
    meters: Mapping[str, str],
    rule: Vacancy,
    mean: float,
    usual: float | None,
    power: tuple[str, bool] | None,
) -> MeterView:
    idle = max(rule.water_idle_m3_per_day, IDLE_WATER_SHARE * (usual or 0.0))
    total = sum(day.water for day in counted if day.water is not None)
    own = f"，本户平时日均{usual:.3f}立方米" if usual is not None else "（本户平时用量尚不足以计算）"
    text = f"同期用水共{total:.2f}立方米，日均{mean:.3f}立方米{own}。"
    evidence = [Evidence("meter", meters["water"], text)]
    because: list[str] = []
    against: list[str] = []
    (because if mean <= idle else against).append(text)
    if power is not None:
        power_text, low = power
        (because if low else against).append(power_text)
        if "electricity" in meters:
            evidence.append(Evidence("meter", meters["electricity"], power_text))
    if mean > idle:
        against.append("用水未近零：可能有人居住但未留下通行记录（IE17、IE19），或有渗漏、表计问题（IE25）。")
    return MeterView(mean <= idle, tuple(because), tuple(against), tuple(evidence))


def _by_power(meters: Mapping[str, str], mean: float, usual: float) -> MeterView:
    text, low = _power_text(mean, usual) or ("", False)
    evidence = (Evidence("meter", meters["electricity"], text),)
    return MeterView(low, (text,) if low else (), () if low else (text,), evidence)


def _power_text(mean: float | None, usual: float | None) -> tuple[str, bool] | None:
    """(text, whether it is near idle)."""
    if mean is None or not usual:
        return None
    low = mean <= IDLE_ELECTRICITY_SHARE * usual
    tail = "接近待机水平" if low else "高于待机水平，家电可能仍在使用"
    return f"同期用电日均{mean:.2f}千瓦时，平时{usual:.2f}千瓦时，{tail}。", low
