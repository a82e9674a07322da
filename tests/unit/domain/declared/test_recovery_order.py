"""The order of recovery, from the plan's dependencies."""

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from pradrill.domain.declared.plan import Service
from pradrill.domain.declared.recovery_order import cycle, levels, order
from pradrill.testing import a_service

NAMES = ["a", "b", "c", "d", "e", "f"]


def services(**depends_on: tuple[str, ...]) -> dict[str, Service]:
    """Return a plan's services."""
    return {name: a_service(depends_on=needed) for name, needed in depends_on.items()}


@st.composite
def acyclic(draw: st.DrawFn) -> dict[str, Service]:
    """Draw services of which each depends on earlier ones only, in any order of declaration."""
    found = {
        name: a_service(
            depends_on=tuple(draw(st.lists(st.sampled_from(NAMES[:n]), unique=True))) if n else ()
        )
        for n, name in enumerate(NAMES)
    }
    return {name: found[name] for name in draw(st.permutations(NAMES))}


def needs(plan: dict[str, Service], name: str) -> set[str]:
    """Return all that a service depends on, directly or not."""
    direct = set(plan[name].depends_on)
    return direct.union(*(needs(plan, other) for other in direct))


def test_a_cycle_is_told_whole() -> None:
    """Each service of a circle depends on the next one named, and the last one is the first."""
    plan = services(web=("app",), app=("db", "ldap"), db=("web",), ldap=(), mail=("app",))
    circle = cycle(plan)
    assert circle[0] == circle[-1]
    assert set(circle) == {"web", "app", "db"}
    for one, next_one in pairwise(circle):
        assert next_one in plan[one].depends_on


def test_a_service_that_depends_on_itself_is_a_cycle() -> None:
    """The smallest circle is one too."""
    assert cycle(services(web=("web",))) == ("web", "web")


@given(acyclic())
def test_services_in_an_order_have_no_cycle(plan: dict[str, Service]) -> None:
    """A plan that can be recovered is not refused."""
    assert cycle(plan) == ()


@given(acyclic(), st.sets(st.sampled_from(NAMES), min_size=1))
def test_nothing_comes_before_what_it_depends_on(
    plan: dict[str, Service], drilled: set[str]
) -> None:
    """A dependency comes first and is waited for, through services outside the drill too."""
    after = order(plan, drilled)
    assert set(after) == drilled
    names = list(after)
    for name in names:
        assert set(after[name]) <= set(names[: names.index(name)])
        waited, queue = set(after[name]), list(after[name])
        while queue:
            queue += (found := set(after[queue.pop()]) - waited)
            waited |= found
        assert waited == needs(plan, name) & drilled


@given(acyclic())
def test_a_level_waits_only_for_those_before(plan: dict[str, Service]) -> None:
    """Levels hold every service once, and what one depends on stands in an earlier level."""
    found = levels(order(plan, NAMES))
    assert sorted(name for level in found for name in level) == NAMES
    place = {name: number for number, level in enumerate(found) for name in level}
    for name in NAMES:
        wanted = 1 + max((place[other] for other in plan[name].depends_on), default=-1)
        assert place[name] == wanted
