"""What must be proven of a host before it is touched."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pradrill.domain.declared.plan import PrimaryIdentity
from pradrill.domain.run.guard import GuardKind, Reach
from pradrill.domain.run.host import MARKER, Host, HostState
from pradrill.domain.run.outcome import GuardOutcome, GuardResult
from pradrill.domain.run.standby_inventory import StandbyInventory
from pradrill.engine.guards import identity_guards, isolation_guards
from pradrill.testing import a_guard, a_host, as_reached, host_facts

KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIN0rYPuAh3qaMxIhlgU4hzQWIgWsl3/fkUvCtqLL8lZC"
PRIMARY = PrimaryIdentity(
    addresses=("192.0.2.10",),
    host_keys=(f"{KEY} root@moodle",),
    machine_ids=("a0" * 16,),
)
NAMES = st.text(min_size=1, max_size=12)


def outcomes(results: list[GuardResult]) -> dict[str, GuardOutcome]:
    """Return guard → outcome."""
    return {str(result.guard): result.outcome for result in results}


def test_a_standby_is_proven_one() -> None:
    """Declared, pinned, and nobody's primary."""
    by_guard = outcomes(identity_guards(a_host(), host_facts(), {"moodle": PRIMARY}))
    assert by_guard == {
        "dr_role": GuardOutcome.PROVEN,
        "host-key": GuardOutcome.PROVEN,
        "not-primary-of-moodle": GuardOutcome.PROVEN,
    }


@pytest.mark.parametrize("role", [None, "", "Standby", "primary", "standby "])
def test_only_the_exact_word_declares_a_standby(role: str | None) -> None:
    """dr_role is standby, or the host is refused."""
    by_guard = outcomes(identity_guards(a_host(dr_role=role), host_facts(), {}))
    assert by_guard["dr_role"] is GuardOutcome.REFUSED


@pytest.mark.parametrize(
    ("facts", "text"),
    [
        ({"host_key": KEY}, "host key"),
        ({"host_key": f"{KEY} another comment"}, "host key"),
        ({"machine_id": "a0" * 16}, "machine-id"),
        ({"machine_id": "A0" * 16}, "machine-id"),
        ({"addresses": ("10.0.0.1", "192.0.2.10")}, "address 192.0.2.10"),
    ],
)
def test_one_shared_identity_is_a_primary(facts: dict[str, str], text: str) -> None:
    """A host key, machine-id or address of any service's primary is enough to refuse."""
    other = PrimaryIdentity(addresses=("192.0.2.99",))
    primaries = {"wiki": other, "moodle": PRIMARY}
    results = identity_guards(a_host(), host_facts(**facts), primaries)
    assert outcomes(results)["not-primary-of-moodle"] is GuardOutcome.REFUSED
    assert outcomes(results)["not-primary-of-wiki"] is GuardOutcome.PROVEN
    assert any(text in result.detail.text for result in results)


def test_the_address_that_is_connected_to_counts_too() -> None:
    """A host behind a primary's address is refused, whatever its interfaces say."""
    by_guard = outcomes(
        identity_guards(a_host(address="192.0.2.10"), host_facts(), {"moodle": PRIMARY})
    )
    assert by_guard["not-primary-of-moodle"] is GuardOutcome.REFUSED


@pytest.mark.parametrize("primary", [PRIMARY, PrimaryIdentity(addresses=("192.0.2.10",))])
def test_where_a_name_leads_behind_a_jump_host_is_not_known(primary: PrimaryIdentity) -> None:
    """Behind NAT the primary itself has other addresses than its own: they prove nothing."""
    via = Host(name="jump-of-db-dr", address="192.0.2.1")
    (guard,) = [
        each
        for each in identity_guards(
            a_host(address="db.internal", via=via), host_facts(), {"moodle": primary}
        )
        if each.guard.kind is GuardKind.NOT_PRIMARY_OF
    ]
    by_key = bool(primary.host_keys)
    assert guard.outcome is (GuardOutcome.PROVEN if by_key else GuardOutcome.UNPROVEN)
    assert ("not compared: addresses" if by_key else "db.internal leads") in guard.detail.text
    inner = a_host(address="10.0.0.5", via=via)
    by_guard = outcomes(identity_guards(inner, host_facts(), {"moodle": primary}))
    assert by_guard["not-primary-of-moodle"] is GuardOutcome.PROVEN


def test_a_host_without_a_machine_id_is_unproven() -> None:
    """What cannot be told apart from a primary is not a standby."""
    by_guard = outcomes(identity_guards(a_host(), host_facts(machine_id=""), {}))
    assert by_guard["machine-id"] is GuardOutcome.UNPROVEN


@pytest.mark.parametrize(
    "marker",
    [None, "", "\n", " \n", "f0" * 16, "\n" + "5f" * 16, "5f" * 15, "standby", "# 5f"],
)
def test_a_marker_carries_the_machines_own_id(marker: str | None) -> None:
    """A marker that is missing, empty or another machine's is refused."""
    by_guard = outcomes(isolation_guards(host_facts(marker=marker), (), {}))
    assert by_guard["marker"] is GuardOutcome.REFUSED


def test_a_copied_image_with_no_id_is_no_standby() -> None:
    """An empty machine-id does not match an empty marker."""
    by_guard = outcomes(isolation_guards(host_facts(marker="", machine_id=""), (), {}))
    assert by_guard["marker"] is GuardOutcome.REFUSED


def test_a_missing_marker_is_named() -> None:
    """The error names the file that the user must place."""
    (result,) = isolation_guards(host_facts(marker=None), (), {})
    assert MARKER in result.detail.text


@given(st.sampled_from(Reach))
def test_only_closed_proves_isolation(reach: Reach) -> None:
    """Open is refused; every answer but closed, and none at all, leaves it unproven."""
    answers = {"db:1": as_reached(reach)}
    by_guard = outcomes(isolation_guards(host_facts(), ("db:1", "smtp:25"), answers))
    assert by_guard["marker"] is GuardOutcome.PROVEN
    assert by_guard["must-not-reach smtp:25"] is GuardOutcome.UNPROVEN
    expected = {Reach.OPEN: GuardOutcome.REFUSED, Reach.CLOSED: GuardOutcome.PROVEN}
    assert by_guard["must-not-reach db:1"] is expected.get(reach, GuardOutcome.UNPROVEN)


@given(
    st.sampled_from(GuardKind).flatmap(
        lambda kind: st.just(str(kind)) | st.text().map(lambda text: f"{kind}{text}")
    )
    | st.text()
)
def test_a_guard_is_its_key_in_files(key: str) -> None:
    """Whatever stands in a record as a guard's key is written back as it was."""
    result = a_guard(guard=key)
    assert json.loads(result.model_dump_json())["guard"] == key
    of_an_endpoint = key.startswith("must-not-reach ")
    assert result.of_isolation is (of_an_endpoint or key == "egress")
    assert (result.guard.kind is None) is (
        key not in [*GuardKind] and not of_an_endpoint and not key.startswith("not-primary-of-")
    )


@given(st.sets(NAMES), st.sets(NAMES), st.sets(NAMES))
def test_what_is_left_is_what_was_not_there(
    earlier: set[str], now: set[str], paths: set[str]
) -> None:
    """New listeners, services and mounts are residue; declared paths are, new or not."""
    before = HostState(listening=tuple(earlier), services=tuple(earlier), mounts=tuple(earlier))
    after = HostState(
        listening=tuple(now), services=tuple(now), mounts=tuple(now), present=tuple(paths)
    )
    left = after.left_by(before)
    assert len(left) == 3 * len(now - earlier)
    assert len(after.paths_left()) == len(paths)
    assert before.left_by(before) == ()


def test_a_service_that_something_of_before_begins_is_nobodys() -> None:
    """Debian's look for updates for minutes, others wait at a socket, a path or the bus.

    A timer that the drill has brought is no reason.
    """
    units = {"timer": {"apt-daily.timer": ""}, "unit": {"a.socket": "", "b.path": ""}}
    waiting = StandbyInventory(seen=units, asked=("systemd-hostnamed.service",))
    before = HostState(inventory=waiting)
    names = ("apt-daily", "a", "a@3-22-0", "b", "systemd-hostnamed", "loop")
    after = HostState(services=tuple(f"{each}.service" for each in names), inventory=waiting)
    assert [str(each.text) for each in after.left_by(before)] == ["service loop.service is active"]
    assert len(after.left_by(HostState(inventory=StandbyInventory()))) == len(names) + 3
