"""(P) One field at a time, out of what people and systems type: full-width digits, several date shapes, blanks.

Every reader returns the normal form or raises `Refused` with a code of `reasons`; none guesses.
"""

from __future__ import annotations

import re
import unicodedata
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from hub.tenancy.reasons import REASONS

_WEIGHTS = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)  # GB 11643-1999, 4.2 (ISO 7064 MOD 11-2)
_CHECK = "10X98765432"
ZONE = ZoneInfo("Asia/Shanghai")  # the days of records and decisions are days of the lease system's country
_BLANKS = frozenset("\t\n\r\x0b\x0c")
_UNSEEN = frozenset(("Cc", "Cf", "Cs"))
_EXACT = 10**15  # a number that a spreadsheet kept in a cell of its own kind is exact below it
_MAX_INT_BITS = 256
_DATE = re.compile(r"(\d{4})\s*[-/.年]\s*(\d{1,2})\s*[-/.月]\s*(\d{1,2})\s*日?")
_COMPACT = re.compile(r"(\d{4})(\d{2})(\d{2})")
_INSTANT = re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d(:\d\d(\.\d{1,6})?)?\s*(Z|[+-]\d\d:?\d\d)", re.IGNORECASE)
_LONG_NUMBER = re.compile(r"[0-9Xx]{15,}")
_TIME_TAIL = re.compile(r"[T ]00:00(:00)?(\.0+)?Z?$")
_EXCEL_EPOCH = date(1899, 12, 30)
_SEPARATORS = re.compile(r"[,，、;；/\s]+")
_FIRST_YEAR, _LAST_YEAR = 1900, 2199  # outside it a typist's slip or a machine's "never"
MAX_TEXT = 200  # characters of a number, a name, a word: what is longer was put into the wrong column
MAX_MEMBERS = 100
_PEOPLE = re.compile(r"(\d{1,4})(人|口|口人)?")
_MAX_CARD = 1 << 80  # the longest identifier a supported board delivers is ten bytes

RELATIONS = {
    "applicant": ("本人", "申请人", "承租人", "户主", "主申请人"),
    "spouse": ("配偶", "妻", "夫", "妻子", "丈夫", "爱人"),
    "child": ("子", "女", "儿子", "女儿", "长子", "次子", "长女", "次女", "子女", "孩子", "儿", "继子", "继女"),
    "parent": ("父", "母", "父亲", "母亲", "父母", "岳父", "岳母", "公公", "婆婆"),
}
_RELATION_OF = {word: relation for relation, words in RELATIONS.items() for word in (relation, *words)}
RELATION_ZH = {"applicant": "承租人", "spouse": "配偶", "child": "子女", "parent": "父母", "other": "其他成员"}


class Refused(ValueError):
    """A value that cannot be taken. `reason` is a code of `reasons`; `detail` holds no personal data.

    An identity number in the wrong column is somebody's all the same: of so long a number only the end is told.
    """

    def __init__(self, reason: str, detail: str = "") -> None:
        assert reason in REASONS, reason
        detail = _LONG_NUMBER.sub(lambda m: "*" * (len(m[0]) - 4) + m[0][-4:], detail)
        super().__init__(f"{reason} {detail}".rstrip())
        self.reason, self.detail = reason, detail


def text(value: object) -> str:
    """Blank-free normal form: NFKC makes full-width digits, letters and brackets half-width; inner runs become one blank.

    Characters nobody sees (NUL, zero-width, direction marks) are left out: no database takes the first, nobody finds the others.
    """
    if value is None or isinstance(value, list | tuple | dict):
        return ""
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if isinstance(value, int) and not isinstance(value, bool) and value.bit_length() > _MAX_INT_BITS:
        return "#" * (MAX_TEXT + 1)  # longer than any number that means something, and than Python likes to write out
    plain = unicodedata.normalize("NFKC", str(value)[: 4 * MAX_TEXT])
    if not plain.isprintable():  # nearly every cell is, and looking at each character of it takes long
        plain = "".join(c for c in plain if c in _BLANKS or _seen(c))
    return " ".join(plain.split())


def _seen(character: str) -> bool:
    """Rare characters of names are newer than this Python's tables, or stand in an area of private use: they stay."""
    if unicodedata.category(character) in _UNSEEN:
        return False
    return ord(character) & 0xFFFE != 0xFFFE and not 0xFDD0 <= ord(character) <= 0xFDEF  # of those nothing is written


def key(value: object, missing: str) -> str:
    """A number by which something is found again. Raises Refused: `missing` when there is none, `too_long`."""
    plain = text(value)
    if not plain:
        raise Refused(missing)
    if len(plain) > MAX_TEXT:
        raise Refused("too_long", f"{plain[:20]}…")
    return plain


def name(value: object) -> str:
    """A person's name; blanks between Chinese characters (张 三) are a typist's alignment, not part of it."""
    plain = key(value, "name_missing")
    return re.sub(r"(?<=[\u3400-\u9fff]) (?=[\u3400-\u9fff])", "", plain)


def code(value: object) -> str:
    """A house code: no blanks inside, upper case, any dash is `-`."""
    return re.sub(r"[‐‑‒–—―−]", "-", key(value, "dwelling_missing")).replace(" ", "").upper()


def id_number(value: object, today: date) -> str:
    """18 characters with a real birth date and the right check digit (GB 11643). Empty when none was given."""
    plain = text(value).replace(" ", "").replace("'", "").upper()
    if not plain:
        return ""
    if isinstance(value, float) and value >= _EXACT:
        raise Refused("id_number_rounded")
    if len(plain) != 18:
        raise Refused("id_number_length", f"{len(plain)} 位")
    if not re.fullmatch(r"[0-9]{17}[0-9X]", plain):
        raise Refused("id_number_characters")
    birth_of(plain, today)
    if _CHECK[sum(int(d) * w for d, w in zip(plain[:17], _WEIGHTS, strict=True)) % 11] != plain[17]:
        raise Refused("id_number_check")
    return plain


def expected_members(value: object) -> int | None:
    """To how many people a home was let (核定人数): 3, ３, 3.0, 3人, 3口人. None when it is not told."""
    plain = text(value).replace(" ", "")
    if not plain:
        return None
    found = _PEOPLE.fullmatch(plain)
    if found is None or not 1 <= int(found[1]) <= MAX_MEMBERS:
        raise Refused("expected_bad", plain[:MAX_TEXT])
    return int(found[1])


def birth_of(number: str, today: date) -> date:
    """The birth date inside an 18-digit number."""
    try:
        birth = date(int(number[6:10]), int(number[10:12]), int(number[12:14]))
    except ValueError as error:
        raise Refused("id_number_birth") from error
    if not date(1900, 1, 1) <= birth <= today:
        raise Refused("id_number_birth")
    return birth


def day(value: object) -> date | None:
    """A date from a date, a text in one of the usual shapes, or a spreadsheet's day number. None when empty.

    A time that names its zone is an instant, and its day is that of the country; one without a zone is not guessed.
    """
    if isinstance(value, datetime):
        return _plausible(value.date())
    if isinstance(value, date):
        return _plausible(value)
    plain = text(value)
    if _INSTANT.fullmatch(plain):
        return _day_of(plain)
    plain = _TIME_TAIL.sub("", plain)
    if not plain:
        return None
    if re.fullmatch(r"\d{5}", plain) and 20_000 <= int(plain) <= 80_000:
        return _EXCEL_EPOCH + timedelta(days=int(plain))
    found = _DATE.fullmatch(plain) or _COMPACT.fullmatch(plain)
    if not found:
        raise Refused("date_bad", plain[:20])
    try:
        return _plausible(date(*map(int, found.groups())))
    except ValueError as error:
        raise Refused("date_bad", plain[:20]) from error


def _day_of(instant: str) -> date:
    try:
        at = datetime.fromisoformat(instant.upper().replace(" Z", "Z").replace(" +", "+"))
        return _plausible(at.astimezone(ZONE).date())
    except (ValueError, OverflowError) as error:
        raise Refused("date_bad", instant[:20]) from error


def last_day(value: object) -> date | None:
    """A day on which something ends; 9999-12-31 and its like (0000-00-00, 长期) stand for no end."""
    try:
        return day(value)
    except Refused:
        if re.match(r"\D*(9999|2999|3000|0000)\b", text(value)) or text(value) in ("长期", "永久", "无固定期限"):
            return None
        raise


def _plausible(found: date) -> date:
    if not _FIRST_YEAR <= found.year <= _LAST_YEAR:
        raise Refused("date_bad", found.isoformat())
    return found


def cards(value: object) -> tuple[str, ...]:
    """Card numbers as decimal text without leading zeros, in the order given, each once. A text may hold several."""
    if isinstance(value, float) and (not value.is_integer() or value >= _EXACT):
        raise Refused("card_bad")
    given = list(value) if isinstance(value, list | tuple) else _SEPARATORS.split(text(value))
    found: list[str] = []
    for one in given:
        plain = text(one).replace(" ", "").lstrip("'")
        if not plain:
            continue
        if not re.fullmatch(r"[0-9]{1,25}", plain) or not 0 < int(plain) < _MAX_CARD:
            raise Refused("card_bad")
        if (number := str(int(plain))) not in found:
            found.append(number)
    return tuple(found)


def relation(value: object) -> str:
    """`applicant`, `spouse`, `child`, `parent`, or `other` for every other word. An empty one is refused."""
    plain = text(value).replace(" ", "")
    if not plain:
        raise Refused("relation_missing")
    return _RELATION_OF.get(plain.lower(), _RELATION_OF.get(plain, "other"))
