"""The page of modes and oracle levels: tables and diagrams of what the machine answers.

Nothing of it is drawn by hand. Each cell is an operation that was tried; each arrow is a tick, or a figure, for which
the rules gave the level or the mode it leads to.
"""

import inspect
from collections.abc import Callable, Iterator
from typing import Any

from attrs import evolve, frozen

from perp_reference.conformance.values import decode_operation
from perp_reference.core.views import level_of
from perp_reference.pages.markdown import bullets, code, page, table
from perp_reference.pages.state import documented
from perp_reference.site.diagram import Arrow, Box, diagram
from perp_reference.site.examples import Examples, Worked, session_of
from perp_reference.site.facts import Facts
from perp_reference.site.faults import Fault
from perp_reference.site.stage import BTC, Stage, lot_price, percent
from perp_spec.perpetual import records
from perp_spec.perpetual.catalogue import CataloguedRule, catalogue
from perp_spec.perpetual.defaults import default_config
from perp_spec.perpetual.health import oracle_state
from perp_spec.perpetual.operations import OracleTick, Report, Trade
from perp_spec.perpetual.reasons import Reason
from perp_spec.perpetual.records import MarketPrice, Mode
from perp_spec.perpetual.rules.batch import fund_severity, graded

MODES = {Mode.NORMAL: "NORMAL", Mode.THROTTLE: "THROTTLE", Mode.REDUCE_ONLY: "REDUCE_ONLY", Mode.HALT: "HALT"}

LEVELS = ("good", "degraded", "gap", "blind", "exits only")
"""What a price can be worth, best first."""

NUMBERS = {"good": 0, "degraded": 1, "gap": 2, "blind": 2, "exits only": 3}
"""The oracle level of each."""

YES = "yes"


# What is left to do


def outcome(worked: Worked, facts: Facts, change: Callable[[Any, Any], None]) -> str:
    """What the machine says to a worked operation in a changed state."""
    fixture = next(fixture for _, fixture, case in facts.vectors.cases() if case is worked.case)
    session = session_of(fixture.config)
    session.load(worked.case.pre)
    step = worked.case.steps[0]
    operation = decode_operation(step.op, dict(step.args))
    change(session, operation)
    operation = session.completed(operation)
    first = next((guard.reason for guard in session.guards(operation) if not guard.holds), None)
    if first is not None:
        return reason_link(first)
    result = getattr(operation, "result", 0)
    return f"states {reason_link(Reason(result))}" if result in set(Reason) else YES


def reason_link(reason: Reason) -> str:
    """A link to a reason."""
    return f"[{reason.name}](reasons.md#{reason.name.lower()})"


def in_mode(mode: int) -> Callable[[Any, Any], None]:
    """Sets the mode of the whole exchange."""

    def change(session: Any, _: Any) -> None:
        state = session.current
        state.put(records.Exchange, 0, evolve(state.get(records.Exchange, 0), mode=mode))

    return change


def at_level(name: str) -> Callable[[Any, Any], None]:
    """Sets what the price of every market is worth; the price itself stays."""

    def change(session: Any, _: Any) -> None:
        state = session.current
        now = state.get(records.Exchange, 0).time
        for number, market in enumerate(state.markets):
            price: MarketPrice = state.get(MarketPrice, number)
            since = {"blind": now, "exits only": now - market.blind_seconds - 1}.get(name, 0)
            level = min(NUMBERS[name], 2)
            changed = evolve(price, ticked_at=now, level=level, gap=name == "gap", blind_since=since)
            state.put(MarketPrice, number, changed)

    return change


def examples_to_try(rule: CataloguedRule, examples: Examples) -> Iterator[tuple[str, Worked]]:
    """The worked operations of a rule by what they are called."""
    several = [own for own in examples.worked[rule.name] if "large" not in own.case.id]
    for own in several or examples.worked[rule.name][:1]:
        scene = own.case.id.split("/")[1] if len(several) > 1 else ""
        yield f"[{rule.name}](rules/{rule.name}.md){', ' + scene.replace('-', ' ') if scene else ''}", own


def answers(facts: Facts, examples: Examples, changes: dict[str, Callable[[Any, Any], None]]) -> str:
    """A table of every rule's worked operation in some states."""
    rows: list[tuple[str, ...]] = []
    for rule in catalogue():
        if rule.module == "batch" or rule.name in ("escape_claim", "escape_pay", "oracle_tick"):
            continue
        for name, own in examples_to_try(rule, examples):
            rows.append((name, *(outcome(own, facts, change) for change in changes.values())))
    rows += [(name, *(outcome_of_trade(change, lots) for change in changes.values())) for name, lots in TRADES.items()]
    shown = [row for row in rows if set(row[1:]) != {YES}]
    always = ", ".join(row[0] for row in rows if set(row[1:]) == {YES})
    return f"{table(('operation', *changes), shown)}\n\nAccepted in all of them: {always}."


TRADES = {"trade, one side only reduces": 10_000, "trade, both sides only reduce": -10_000}
"""Further trades to try: lots from a long to a new short, or back to the short it bought from."""


def outcome_of_trade(change: Callable[[Any, Any], None], lots: int) -> str:
    """What the machine says to a trade of a long that sells."""
    stage = Stage()
    stage.begin(0)
    stage.tick(40_000)
    for account in (2, 3, 4):
        stage.account(account, 50_000)
    price = lot_price(40_000)
    stage.must(stage.trade(2, 3, 10_000, price))
    stage.end()
    stage.begin(10)
    change(_Session(stage), None)
    operation: Trade = stage.trade(4, 2, 10_000, price) if lots > 0 else stage.trade(3, 2, 10_000, price)
    reason = stage.apply(operation)
    return YES if reason is None else reason_link(reason)


@frozen
class _Session:
    """A stage where a session is expected."""

    stage: Stage

    @property
    def current(self) -> Any:
        """The state."""
        return self.stage.state


# The oracle ladder


class Ladder:
    """A market whose ticks one chooses."""

    FIRST = 40_000
    SECONDS = 20

    def __init__(self) -> None:
        self.stage = Stage()
        self.now = 0
        self.stage.begin(0)
        self.stage.tick(self.FIRST)
        self.market = self.stage.config.markets[BTC].market

    def tick(self, *families: int | None, seconds: int = SECONDS) -> None:
        """A tick so much later; a family that is None says nothing."""
        self.wait(seconds)
        reports = [self.report(dollars) if dollars else Report() for dollars in families]
        reports += [Report()] * (4 - len(reports))
        self.stage.must(OracleTick(BTC, tuple(reports), True))

    def report(self, dollars: int) -> Report:
        """A report of three signers who agree."""
        price = lot_price(dollars)
        return Report(count=3, median=price, signers=(0, 1, 2, *(0,) * 5), values=(price, price, price, *(0,) * 5))

    def wait(self, seconds: int) -> None:
        """Let time pass, without a tick."""
        self.now += seconds
        self.stage.end()
        self.stage.begin(self.now)

    @property
    def level(self) -> str:
        """What the price is worth now."""
        return level_of(oracle_state(self.stage.price, self.market, self.stage.venue.now))

    @property
    def average(self) -> int:
        """The average of the index, dollars a coin."""
        return self.stage.oracle.average // 100


def agree(ladder: Ladder) -> None:
    """Both say the average."""
    ladder.tick(ladder.average, ladder.average)


def disagree(ladder: Ladder) -> None:
    """Two percent apart."""
    ladder.tick(ladder.average, ladder.average * 98 // 100)


def apart(ladder: Ladder) -> None:
    """Further apart than the band."""
    ladder.tick(ladder.average, ladder.average * 85 // 100)


def gap(ladder: Ladder) -> None:
    """Both say a fifth less than the average."""
    ladder.tick(ladder.average * 80 // 100, ladder.average * 80 // 100)


def lone(ladder: Ladder) -> None:
    """One goes on, the other's last report becomes stale."""
    seconds = 0
    while seconds <= ladder.market.staleness_seconds:
        ladder.tick(ladder.average, None)
        seconds += ladder.SECONDS


def nobody(ladder: Ladder) -> None:
    """No family reports anything, though ticks go on, until all that is known is stale."""
    seconds = 0
    while seconds <= ladder.market.staleness_seconds:
        ladder.tick(None, None)
        seconds += ladder.SECONDS


def silence(ladder: Ladder) -> None:
    """No tick at all."""
    ladder.wait(ladder.market.staleness_seconds + 1)


def long_silence(ladder: Ladder) -> None:
    """No tick for much longer."""
    ladder.wait(ladder.market.staleness_seconds + ladder.market.blind_seconds + 1)


def recover(ladder: Ladder) -> None:
    """Good ticks in a row."""
    for _ in range(GOOD_TICKS_MOST):
        agree(ladder)
        if ladder.level == "good":
            return


GOOD_TICKS_MOST = 40

SITUATIONS: tuple[tuple[str, Callable[[Ladder], None]], ...] = (
    ("all families agree, near the average: one tick", agree),
    ("the same, tick after tick", recover),
    ("two families disagree, within the band", disagree),
    ("two families disagree by more than the band", apart),
    ("all agree, beyond the band around the average", gap),
    ("one family is alone, the other stale", lone),
    ("ticks without reports, all stale", nobody),
    ("no tick for staleness_seconds", silence),
    ("no tick for blind_seconds beyond that", long_silence),
)

STARTS: dict[str, Callable[[Ladder], None]] = {
    "good": agree,
    "degraded": disagree,
    "gap": gap,
    "blind": apart,
    "exits only": lambda ladder: (apart(ladder), long_silence(ladder))[0],
}
"""How each level is reached, for a start."""


def ladder_after(start: str, situation: Callable[[Ladder], None]) -> str:
    """What the price is worth after a situation that begins at a level."""
    ladder = Ladder()
    STARTS[start](ladder)
    if ladder.level != start:
        raise ValueError(f"the start of {start} is {ladder.level}")
    situation(ladder)
    return ladder.level


def transitions() -> dict[tuple[str, int], str]:
    """What every situation leads to from every level, by level and number of the situation from 1."""
    return {
        (start, number): ladder_after(start, act) for start in STARTS for number, (_, act) in enumerate(SITUATIONS, 1)
    }


def ladder_table(found: dict[tuple[str, int], str]) -> str:
    """The transitions as a table."""
    rows = [
        (str(number), name, *(shown(found[start, number]) for start in STARTS))
        for number, (name, _) in enumerate(SITUATIONS, 1)
    ]
    return table(("", "what happens", *(f"at {shown(start)}" for start in STARTS)), rows)


def shown(level: str) -> str:
    """A level with its number."""
    return f"{NUMBERS[level]} {level}"


WHAT_LEVELS_MEAN = {
    "good": "all families agree, near the average",
    "degraded": "one family gives the price alone, or two disagree",
    "gap": "all agree on a price beyond the band around its average",
    "blind": "nobody knows the price: no liquidation",
    "exits only": "blind for longer than blind_seconds",
}

LANE = 23
BOX_WIDTH = 225


def ladder_diagram(found: dict[tuple[str, int], str]) -> str:
    """The transitions as a diagram: down on the right, up on the left, with the numbers of the situations."""
    moves: dict[tuple[str, str], list[int]] = {}
    for (start, number), end in found.items():
        if start != end:
            moves.setdefault((start, end), []).append(number)
    order = list(STARTS)
    down = sorted((move for move in moves if order.index(move[0]) < order.index(move[1])), key=span_of)
    up = sorted((move for move in moves if order.index(move[0]) > order.index(move[1])), key=span_of)
    left = LANE * len(up) + 24
    boxes = {
        level: Box(left, 12 + 104 * place, BOX_WIDTH, f"{NUMBERS[level]}  {level}", WHAT_LEVELS_MEAN[level], "", place)
        for place, level in enumerate(order)
    }
    parts: list[Box | Arrow] = [*boxes.values()]
    parts += [lane(boxes, move, moves[move], place, down) for place, move in enumerate(down)]
    parts += [lane(boxes, move, moves[move], place, up) for place, move in enumerate(up)]
    width = left + BOX_WIDTH + LANE * len(down) + 44
    return diagram("Levels of the oracle and what leads from one to another", width, 12 + 104 * len(order), parts)


def span_of(move: tuple[str, str]) -> int:
    """How many levels a move spans."""
    order = list(STARTS)
    return abs(order.index(move[0]) - order.index(move[1]))


def lane(
    boxes: dict[str, Box], move: tuple[str, str], numbers: list[int], place: int, others: list[tuple[str, str]]
) -> Arrow:
    """The arrow of a move in a lane of its own."""
    start, end = boxes[move[0]], boxes[move[1]]
    down = start.y < end.y
    side = start.x + start.width if down else start.x
    x = side + (LANE * (place + 1) if down else -LANE * (place + 1))
    shift = 34 * ((place + 1) / (len(others) + 1) - 0.5)
    first, last = start.middle + shift, end.middle + shift
    label = ",".join(map(str, numbers))
    return Arrow(((side, first), (x, first), (x, last), (side, last)), (label,), (x + 3, (first + last) / 2 + 4))


# Modes


def demands() -> list[tuple[str, str, str]]:
    """What demands a mode, at which figure of the default configuration."""
    own = default_config().parameters
    return [
        (
            "the insurance fund's fall on the day",
            percent(own.fund_throttle_ppm),
            percent(own.fund_reduce_ppm),
        ),
        (
            (
                f"lots liquidated in {own.window_seconds} s in at least {own.window_markets} markets and half of "
                "those that "
                "count, of their open interest"
            ),
            percent(own.window_throttle_ppm),
            percent(own.window_reduce_ppm),
        ),
        ("batches begun since the last proved one", f"{own.proof_throttle:,}", f"{own.proof_reduce:,}"),
        ("accounts that hold nothing and owe money", "", "1"),
        ("a market at a gap (its own mode)", "", "yes"),
        ("the kill switch of the exchange or of a market", "set by governance", "set by governance"),
    ]


def demand_faults() -> Iterator[Fault]:
    """Where the rules do not turn at the figures that the page names."""
    own = default_config().parameters
    million = 10**6
    for least, mode in ((own.fund_throttle_ppm, Mode.THROTTLE), (own.fund_reduce_ppm, Mode.REDUCE_ONLY)):
        at, below = fund_severity(million - least, million, own), fund_severity(million - least + 1, million, own)
        if not (at == mode and below < mode):
            yield Fault("the page of the modes", "another mode", f"{MODES[mode]} where the fund falls by {least} ppm")
    for least, mode in ((own.proof_throttle, Mode.THROTTLE), (own.proof_reduce, Mode.REDUCE_ONLY)):
        at, below = (graded(count, own.proof_throttle, own.proof_reduce) for count in (least, least - 1))
        if not (at == mode and below < mode):
            yield Fault("the page of the modes", "another mode", f"{MODES[mode]} where {least} batches are unproved")


def mode_words() -> dict[str, str]:
    """What each mode means, from the rules' own text."""
    return {name: text for name, text in documented(inspect.getsource(records.Mode)) if name in MODES.values()}


def mode_diagram() -> str:
    """The modes, and what leads from one to the next."""
    words = mode_words()
    own = default_config().parameters
    labels = {
        1: (f"fund down {percent(own.fund_throttle_ppm)} on the day", f"{own.proof_throttle:,} unproved batches"),
        2: (f"fund down {percent(own.fund_reduce_ppm)} on the day", "a debt nobody covers", "a gap (that market)"),
        3: ("kill switch alone",),
    }
    parts: list[Box | Arrow] = []
    for place, name in enumerate(MODES.values()):
        box = Box(186 * place + 6, 60, 130, name, words.get(name) or "Everything is possible.", "", (0, 1, 3, 4)[place])
        parts.append(box)
        if place:
            y = 60 + 30
            parts.append(Arrow(((box.x - 56, y), (box.x, y)), labels[place], (box.x - 28, 14), "middle"))
    return diagram("Modes of the exchange", 704, 160, parts)


def waterfall_diagram() -> str:
    """The waterfall: what each step needs, from its own guards."""
    steps = (
        ("liquidate", Reason.NOT_LIQUIDATABLE),
        ("backstop", Reason.NOT_CLOSE_OUT),
        ("deleverage", Reason.BACKSTOP_POSSIBLE),
        ("socialise", Reason.NOT_BANKRUPT_FLAT),
    )
    rules = {rule.name: rule for rule in catalogue()}
    parts: list[Box | Arrow] = []
    y = 10.0
    for place, (name, reason) in enumerate(steps):
        rule = rules[name]
        needs = next(entry.sentence for entry in rule.guards if entry.reason is reason)
        condition = Box(10, y, 380, "needs", needs, "", place)
        box = Box(450, y, 330, name, rule.title, f"rules/{name}.html", place + 1)
        parts += [condition, box, Arrow(((390, y + 26), (450, y + 26)))]
        height = max(condition.height, box.height)
        if place + 1 < len(steps):
            parts.append(Arrow(((615, y + box.height), (615, y + height + 34))))
        y += height + 34
    return diagram("The waterfall", 800, y - 20, parts)


# The page


def modes_page(facts: Facts, examples: Examples) -> str:
    """The page."""
    found = transitions()
    return page(
        "# Modes and oracle levels",
        MADE,
        "## Modes",
        mode_diagram(),
        table(("mode", ""), [(code(name), text or "Everything is possible.") for name, text in mode_words().items()]),
        END_BATCH,
        table(("what counts", "THROTTLE at", "REDUCE_ONLY at"), demands()),
        "### What each mode leaves",
        "The worked operation of each rule's page, tried in each mode of the exchange; a link is the reason for which "
        "it is refused.",
        answers(facts, examples, {name: in_mode(mode) for mode, name in MODES.items()}),
        "## Oracle levels",
        ladder_diagram(found),
        LADDER,
        ladder_table(found),
        "### What each level leaves",
        SAME_PRICE,
        answers(facts, examples, {shown(name): at_level(name) for name in LEVELS}),
        bullets(LEVEL_NOTES),
        "## The waterfall",
        "For an account that no longer has what it must keep, mildest first. What a step needs is the sentence of "
        "its own "
        "guard; a step is refused while a milder one is possible.",
        waterfall_diagram(),
    )


MADE = (
    "The figures and answers on this page were given by the rules when it was made, under the [default "
    "configuration](defaults.md); the diagrams are drawn from them."
)
END_BATCH = (
    "The last operation of each batch, [end_batch](rules/end_batch.md), states the mode from then on, at least as "
    "strict as these demand. What liquidations demand holds to the end of the window after the one they were in. What "
    "the fund's fall demands holds until the fund is better again, or a new day begins, in UTC: then it is compared "
    "with what it had at the first batch of that day. All else holds as long as it is so. The operator may state a "
    "stricter mode, and no rule makes it come down."
)
LADDER = (
    "The numbers at the arrows are those of the table, which begins at each level and lets each thing happen. A "
    "dispute "
    "or a lone family that lasts makes the market blind too, see [oracle_tick](rules/oracle_tick.md)."
)
LEVEL_NOTES = (
    (
        "liquidate goes on at level 1 and at a gap. What is refused here is the size: a step may be half as large as "
        "at level 0 ([step_cap](rules/liquidate.md#step_cap)). Below close-out any size may be liquidated."
    ),
    (
        "withdraw, transfer and forced_withdraw depend on how much is left: where an account holds a market at level 1 "
        "or above, twice its initial margin has to stay, at the worse of health price and index less a band "
        "([pay_out](rules/shared-exit.md#pay_out)). The withdrawal tried here leaves that, the forced one does not. An "
        "account without positions withdraws as always."
    ),
    (
        "From level 3 one tick can lead to level 1 whatever its price (row 5): after so long a silence the average "
        "moves the whole way, so no price is beyond the band around it. Until ten good ticks in a row, positions "
        "may only be reduced and liquidations take half steps."
    ),
)
SAME_PRICE = (
    "The worked operation of each rule's page, tried where every market is at that level. The price is the same: only "
    "what it is worth is another. A link is the reason for which it is refused; *states* means that the answer to the "
    "forced request is that reason: the operation is accepted, nothing is paid or closed, and the request stays, its "
    "deadline running."
)
