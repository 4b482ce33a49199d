"""What the hub shows, held against what the devices hold and what the judge derives."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from sqlalchemy import select
from sqlalchemy.orm import Session

from device_drivers.contract.access import AccessList
from hub.access.revocations import unconfirmed
from hub.access.states import DeviceLists, credential_states, device_lists
from hub.tables import CredentialRow, DesiredEntry, DesiredList, Person, Tenancy
from tools.chain.judge import Ways, expected, living, may_end, union, ways_of
from tools.chain.site import DEVICES, ESTATE, PLACES
from tools.chain.terminal import Content, Way, entry_of

if TYPE_CHECKING:
    from tools.chain.world import World

HEARD = timedelta(seconds=1)
NOTICED = timedelta(seconds=345)  # the edge's period of read-backs, and a busy minute
LOST_FOR = timedelta(seconds=90)
CLOCK_OFF = timedelta(seconds=30)


class Checks:
    """`expected_of`: (device, generation, digest) → what the judge derived when that list was published."""

    def __init__(self, world: World) -> None:
        self.world, self.verdict = world, world.verdict
        self.expected_of: dict[tuple[str, int, str], dict[str, Ways] | None] = {}
        self.holders: dict[str, str] = {}
        self.newest_word: dict[str, datetime] = {}
        self._ended: set[str] = set()
        self._taken: dict[str, tuple[int, datetime]] = {}  # device → generation the box has, and since when

    # --- what was published ------------------------------------------------------------------------------------------
    def published(self) -> None:
        """After every job: the judge's own list for each generation that is new."""
        world = self.world
        with world.hub.hub.db.reading() as session:
            rows = session.execute(select(DesiredList.device_id, DesiredList.generation, DesiredList.digest)).all()
        for device, generation, digest in rows:
            # While its clock is wrong the hub holds removals back: such a list is not judged.
            wanted = None if world.hub_skew else expected(world.books, PLACES[device], world.now())
            self.expected_of.setdefault((device, generation, digest), wanted)

    # --- what is shown -----------------------------------------------------------------------------------------------
    def shown(self, *, each: bool = True) -> None:
        """`each`: also what is shown of every single person."""
        world = self.world
        if not world.hub.up:
            return
        with world.hub.hub.db.reading() as session:
            lists = {one.device.id: one for one in device_lists(session, {ESTATE})}
            tokens = list(session.scalars(select(DesiredEntry.token).distinct()))
            self._name(session, set(tokens))
            for one in lists.values():
                if one.in_step:
                    self._in_step(one)
            for token, states in credential_states(session, tokens if each else ()).items():
                for state in states:
                    if state.state == "confirmed":
                        self._confirmed(lists[state.device_id], token)
            self._removals(session, lists)
            self._ends(session)
        self._ways_kept()
        self._foreign()

    def _wanted(self, one: DeviceLists) -> dict[str, Ways] | None:
        return self.expected_of.get((one.device.id, one.desired.generation, one.desired.digest))

    def _in_step(self, one: DeviceLists) -> None:
        wanted = self._wanted(one)
        if wanted is None:
            return  # published this instant, by a process that died before the judge could look
        self._claim(one, wanted, None)

    def _confirmed(self, one: DeviceLists, token: str) -> None:
        wanted, holder = self._wanted(one), self.holders.get(token)
        if wanted is not None and holder is not None:
            self._claim(one, {holder: wanted.get(holder, frozenset())}, token)

    def _claim(self, one: DeviceLists, holders: dict[str, Ways], token: str | None) -> None:
        """Held at the read-back that the claim names; and if not any more, then not for longer than one can know."""
        wanted, may_lack = union(holders), union(self._ended_since(one.device.id, holders))
        world, device = self.world, one.device.id
        now, row = world.now(), one.reported
        self.verdict.claims += 1
        if row is None:
            return
        then, here = self._read_back(device, row.read_back_at), self._content(device)
        said = f"{device} {'in step' if token is None else self.holders.get(token)} at generation {row.generation}"
        if then is not None and (wrong := self._differs(then, wanted, may_lack, token, now)):
            self.verdict.blame(f"{said}: the read-back it names says otherwise: {wrong}", false=True)
        elif wrong := self._differs(here, wanted, may_lack, token, now):
            terminal = world.terminals.get(device)
            since = max(terminal.disturbed_at if terminal else now, world.hub.started_at)
            known = self.newest_word.get(device)
            if known and row.reported_at and row.reported_at < known:
                self.verdict.blame(f"{said}: an older report hides a newer one: {wrong}", false=True)
            elif now - since > NOTICED:
                self.verdict.blame(f"{said}: it is not, since {since:%H:%M:%S}: {wrong}", false=True)

    def _ended_since(self, device: str, holders: dict[str, Ways]) -> dict[str, Ways]:
        """Whose credential ended after the list was made: a revocation is ahead of the next list."""
        now = expected(self.world.books, PLACES[device], self.world.now())
        again = {f"{person}@{tenancy}" for person, tenancy in self.world.books.counter.replaced}
        return {h: ways for h, ways in holders.items() if h not in now or h in again}

    def _differs(self, content: Content, wanted: Ways, may_lack: Ways, token: str | None, now: datetime) -> str:
        if token is not None:
            content = {t: e for t, e in content.items() if t.casefold() == token.casefold()}
        else:
            content = {t: e for t, e in content.items() if not t.startswith("foreign-")}
        have, want = self._certain(ways_of(content, now)), self._certain(living(wanted, now))
        return "" if want - may_lack <= have <= want else f"missing {_told(want - have)}, too many {_told(have - want)}"

    def _certain(self, ways: Ways) -> Ways:
        """While the box's clock is off, it begins and ends what has an end by its own time; the hub shows the offset."""
        off = abs(self.world.box_now() - self.world.now())
        return ways if off < CLOCK_OFF else frozenset(w for w in ways if w.until is None)

    def _read_back(self, device: str, at: datetime | None) -> Content | None:
        if device not in self.world.terminals or at is None:
            return None if device in self.world.terminals else self._content(device)
        return self.world.terminals[device].reads.get(at)

    def _content(self, device: str) -> Content:
        """A device's own list; where the edge decides, the edge's."""
        if device in self.world.terminals and DEVICES[device][0].capabilities.holds_list:
            return self.world.terminals[device].content()
        return self.world.edge_list(device)

    # --- removals ----------------------------------------------------------------------------------------------------
    def _removals(self, session: Session, lists: dict[str, DeviceLists]) -> None:
        """Whatever still opens and should not, the hub must say so: by name."""
        open_ = {(r.device_id, r.token) for r in unconfirmed(session, ESTATE)}
        now = self.world.now()
        for device, one in lists.items():
            wanted = self._wanted(one)
            if self._on_its_way(device) or wanted is None:
                continue
            for token, entry in self._content(device).items():
                too_many = self._certain(living(entry.ways, now)) - union(wanted)
                own = token.casefold()
                if token.startswith("foreign-") or own not in self.holders or self._excused(device, own):
                    continue
                self.verdict.claims += 1
                if too_many and (device, own) not in open_ and one.state in ("in_step", "refusals"):
                    self.verdict.blame(
                        f"{device}: {_told(too_many)} of {self.holders[own]} still opens, shown as gone", false=True
                    )

    def _excused(self, device: str, token: str) -> bool:
        """A hub restored from a copy of before does not know it: the list itself is then not in step."""
        return token in self.world.unknown_to_hub

    def _on_its_way(self, device: str) -> bool:
        """The box took this list a moment ago (of another disk, an older one): its word for it is not heard yet."""
        now, generation = self.world.now(), self.world.edge_generation(device)
        taken, since = self._taken.get(device, (0, now))
        if taken != generation:
            self._taken[device] = taken, since = generation, now
        return not DEVICES[device][0].capabilities.holds_list and now - since < HEARD

    # --- the law -----------------------------------------------------------------------------------------------------
    def _ends(self, session: Session) -> None:
        rows = session.execute(
            select(CredentialRow.token, Person.source_id, Tenancy.source_id, CredentialRow.ended_because)
            .join(Person, Person.id == CredentialRow.person_id)
            .join(Tenancy, Tenancy.id == CredentialRow.tenancy_id)
            .where(CredentialRow.state == "ended", CredentialRow.holder_class == "resident")
        )
        for token, person, tenancy, because in rows:
            if token in self._ended:
                continue
            self._ended.add(token)
            if (person, tenancy) in self.world.once_left:
                continue
            if not may_end(self.world.books, person, tenancy, self.world.now()):
                self.verdict.blame(f"{person}@{tenancy} ended without a lawful cause: {because}")

    def _ways_kept(self) -> None:
        """A way the edge took off a device although nothing took the right away is back at once."""
        world, now = self.world, self.world.now()
        for device, terminal in world.terminals.items():
            still: list[tuple[datetime, Way]] = []
            have = ways_of(terminal.content(), now)
            wanted = union(expected(world.books, PLACES[device], world.now()))
            for at, way in terminal.removed_ways:
                if (
                    way in have
                    or way not in self._certain(wanted)
                    or way in world.refused(device) | world.may_refuse(PLACES[device])
                    or terminal.disturbed_at >= at
                ):
                    continue
                if world.troubled(device, at):
                    at = now
                if now - at > LOST_FOR:
                    self.verdict.blame(f"{device}: {_told({way})} was taken off without cause and is not back")
                else:
                    still.append((at, way))
            terminal.removed_ways = still

    def _foreign(self) -> None:
        for device, terminal in self.world.terminals.items():
            if gone := terminal.enrolled - terminal.foreign():
                self.verdict.blame(f"{device}: foreign {sorted(gone)} erased")
                terminal.enrolled -= gone

    # --- names -------------------------------------------------------------------------------------------------------
    def _name(self, session: Session, tokens: set[str]) -> None:
        if tokens <= self.holders.keys():
            return
        rows = session.execute(
            select(CredentialRow.token, Person.source_id, Tenancy.source_id)
            .outerjoin(Person, Person.id == CredentialRow.person_id)
            .outerjoin(Tenancy, Tenancy.id == CredentialRow.tenancy_id)
        )
        self.holders |= {t: f"{p}@{c}" if p else f"pass:{t}" for t, p, c in rows}

    # --- at the end --------------------------------------------------------------------------------------------------
    def settled(self) -> list[str]:
        """What is not yet as it must be, once nothing goes wrong any more."""
        world, wrong = self.world, []
        if not world.hub.up:
            return ["the hub is down"]
        now = world.now()
        with world.hub.hub.db.reading() as session:
            lists = {one.device.id: one for one in device_lists(session, {ESTATE})}
            for device, place in PLACES.items():
                want = self._certain(living(union(expected(world.books, place, world.now())), now))
                ours = {t: e for t, e in self._content(device).items() if not t.startswith("foreign-")}
                have = self._certain(ways_of(ours, now))
                state = lists[device].state if device in lists else "no list"
                refused, perhaps = world.refused(device), world.may_refuse(place)
                full = device in world.terminals and world.terminals[device].full  # whoever is missing is told of
                if not ((full and state == "refusals") or want - refused - perhaps <= have) or not have <= want:
                    wrong.append(f"{device}: missing {_told(want - have)}, too many {_told(have - want)}")
                due = "unknown" if DEVICES[device][0].kind == "twin_blind" else "in_step"
                due = "refusals" if ((want & refused) - have or (full and want - have)) and due == "in_step" else due
                early = (
                    world.box_ends_early() and state == "refusals"
                )  # it says so of passes that are over by its clock
                if state != due and not early and not (perhaps and state == "refusals"):
                    wrong.append(f"{device} is shown as {state}, not {due}")
            wrong += [
                f"{r.device_id}: removal of {self.holders.get(r.token)} unconfirmed"
                for r in unconfirmed(session, ESTATE)
                if DEVICES[r.device_id][0].capabilities.reads_back
                or not DEVICES[r.device_id][0].capabilities.holds_list
            ]
        return wrong


def _told(ways: object) -> str:
    return str(sorted(f"{w.kind} {w.value[-4:]}" for w in ways)) if ways else "none"  # type: ignore[attr-defined]


def content_of(access_list: AccessList) -> Content:
    """What an edge that decides itself opens for."""
    return {c.token: entry_of(c) for c in access_list.credentials if not c.blocked}
