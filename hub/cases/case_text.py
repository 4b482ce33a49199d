"""(P) A case as lines of text for a terminal, in Chinese or English."""

from __future__ import annotations

from collections.abc import Iterator

from hub.cases.models import ActionItem, CaseDetail, CaseItem
from hub.english.phrases import english as in_words


def item_line(item: CaseItem, english: bool) -> str:
    """One line of a list."""
    state = item.state if english else item.state_zh
    due = f"  by {item.step_due_at:%Y-%m-%d}" if item.step_due_at else ""
    told = item.headline_en if english else item.headline
    return f"{item.number}  {item.dwelling_code}  {item.kind}  {item.stage:6}  {state}{due}  {told}"


def detail_lines(case: CaseDetail, english: bool) -> Iterator[str]:
    """The whole case, what decides first."""
    yield item_line(case, english)
    found = case.finding
    if found is not None:
        words = found.english if english else found
        yield f"{found.rule} ({found.rule_version}, {found.policy_version}), {found.window_from} to {found.window_to}"
        for mark, texts in (("+", words.because), ("-", words.against), ("x", words.refuted_by)):
            yield from (f"  {mark} {text}" for text in texts)
    for timer in case.timers:
        late = "  OVERDUE" if timer.late else ""
        label = in_words(timer.label_zh) if english else timer.label_zh
        yield f"  due {timer.due}  {label}{'' if timer.whose == 'official' else '  (household)'}{late}"
    yield f"heard: {'yes' if case.heard else 'not yet'}; the log {'holds' if case.log_holds else 'DOES NOT HOLD'}"
    for entry in case.timeline:
        action = entry.action if english else entry.action_zh
        words_of = (entry.opinion_en or entry.opinion) if english else entry.opinion
        reason = f" {entry.reason_code}" if entry.reason_code else ""
        who = entry.actor_en if english else entry.actor
        yield f"  {entry.at:%Y-%m-%d %H:%M}  {who}  {action}{reason}  {words_of}".rstrip()
    for step in case.actions:
        label = step.action if english else f"{step.action} {step.label_zh}"
        blocked = step.blocked_en if english else step.blocked
        yield f"  step {label}" + (f": not yet: {blocked}" if blocked else "")


def form_lines(step: ActionItem, english: bool) -> Iterator[str]:
    """What a step asks for."""

    def told(label: str) -> str:
        return in_words(label) if english else label

    yield f"{step.action} {told(step.label_zh)} ({step.step})"
    if step.blocked:
        yield f"  not yet: {step.blocked_en if english else step.blocked}"
    for code in step.reason_codes:
        yield f"  --reason {code.code}  {told(code.label_zh)}"
    for one in step.fields:
        what = "|".join(f"{choice.code} {told(choice.label_zh)}" for choice in one.choices) or one.kind
        yield f"  --set {one.name}=…  {told(one.label_zh)}{'' if one.required else ' (optional)'}: {what}"
        if one.help_zh:
            yield f"      {one.help_en if english else one.help_zh}"
    yield f"  --opinion …  {told(step.opinion_zh)}"
    if step.offered:
        yield f"  offered: {step.offered}"
