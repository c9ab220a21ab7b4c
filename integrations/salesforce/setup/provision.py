"""Setting up an org: what is missing, what somebody changed, and what has to be done by hand.

The plan is Salesforce's own: the package is validated in the org, which says of every component whether it would be
made, changed or left as it is. All of it is then one deployment, which succeeds as a whole or changes nothing.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from integrations.auth.tokens import FixedCredentials
from integrations.errors import Permanent, Transient
from integrations.http import VendorSession
from integrations.provisioning import Known, Performed, Place, Step, Verb
from integrations.salesforce.mapping import DIALECT
from integrations.salesforce.setup import bundle
from integrations.salesforce.setup.bundle import Bundle, Component, Source
from integrations.salesforce.setup.metadata import Deployment, Message, MetadataApi, Progress, refusal, remedy
from integrations.salesforce.setup.org import FlowState, Org, Setup, User, same_id

MARK = "Made by Ringback"
"""The first words of the description of every field of ours: fields of the same name without it are somebody else's."""

WRITERS, READERS = "Ringback_Integration", "Ringback_Reader"  # the permission sets
ASSIGNMENT = "PermissionSetAssignment"
_EVERYBODY = "all holders"
_MESSAGING = frozenset({"Flow", "WorkflowOutboundMessage"})

_TYPES: Mapping[str, frozenset[str]] = {
    "Number": frozenset({"double", "int", "percent", "currency"}),
    "Text": frozenset({"string", "picklist", "textarea"}),
    "LongTextArea": frozenset({"textarea"}),
    "DateTime": frozenset({"datetime"}),
}
"""What a field of ours is → which types of a field that was there before can hold the same values."""


@dataclass(frozen=True, slots=True)
class Target:
    """Where to and how. ``endpoint`` is where outbound messages go; "" leaves messages and flows out. ``without`` names
    what else is left out: types ("FlexiPage"), full names, permissions ("Task.WhoId"), columns of list views.
    ``everything``: the connection writes all that is made here, and not only the newest score on contacts."""

    endpoint: str
    organization_id: str
    api_version: str
    without: frozenset[str] = frozenset()
    everything: bool = True


def as_admin(session: VendorSession, token: str) -> VendorSession:
    """A session to the same org with an admin's access token, which is kept nowhere."""
    return VendorSession(session.address.url, DIALECT, FixedCredentials.bearer(token))


class SalesforceProvisioner:
    """A ``Provisioner``. ``own`` acts as the connection's user, ``deployer`` as who may change the set-up."""

    def __init__(
        self,
        own: VendorSession,
        deployer: VendorSession,
        target: Target,
        *,
        sleep: Callable[[float], None],
        progress: Progress = lambda _done, _of: None,
    ) -> None:
        self._target = target
        self._own, self._setup = Setup(own, target.api_version), Setup(deployer, target.api_version)
        self._api = MetadataApi(deployer, target.api_version, sleep=sleep, progress=progress)
        self._planned: Bundle | None = None
        self._fields: Mapping[str, bool] = {}  # what the package needs → whether we write it; formulas are only read
        self._removing: tuple[Component, ...] = ()
        self._done: Deployment | None = None

    def plan(self, known: Sequence[Known]) -> Sequence[Step]:
        user, org = self._whereabouts()
        parts = self._parts(user)
        flows = self._setup.flows([each.component.name for each in parts if each.component.kind == "Flow"])
        foreign = self._foreign(parts, known)
        left = foreign | _untouched(parts, org, flows)
        self._fields = {each.component.name: "<formula>" not in each.text
                        for each in parts if each.component.kind == "CustomField"}  # fmt: skip
        self._planned = bundle.bundle(_for(org, parts), self._target.api_version, lambda each: each not in left)
        verdict = self._api.validate(self._planned.zip())
        steps = [*self._components(verdict, known), *self._adopted(parts, foreign)]
        steps += [_kept(each, known) for each in sorted(left - foreign)]
        return [*steps, self._assignment(user), *self._by_hand(org, flows, steps)]

    def plan_removal(self, known: Sequence[Known]) -> Sequence[Step]:
        user, _ = self._whereabouts()
        parts = self._parts(user, everything=True)
        steps = list(self._removals([each.component for each in parts], {each.place: each for each in known}))
        self._removing = tuple(Component(*each.place) for each in steps if each.verb is Verb.REMOVE)
        return [*self._unassignments(known), *steps]

    def perform(self, step: Step, ids: Mapping[Place, str]) -> Performed:
        if step.kind == ASSIGNMENT:
            return self._assigned(step) if step.verb is not Verb.REMOVE else self._unassigned(step)
        if step.verb is Verb.REMOVE:
            self._remove()
        elif step.verb in (Verb.MAKE, Verb.MEND):
            return Performed(self._id_after_deploying(step) or step.vendor_id)
        return Performed(step.vendor_id)

    # Looking

    def _whereabouts(self) -> tuple[User, Org]:
        """Who we are there. Raises Permanent when the tokens are of another org than the connection's."""
        user, org = self._own.user(), self._setup.org()
        for where, found in (("the connection's user", user.org_id), ("the deploying user", org.id)):
            if self._target.organization_id and not same_id(found, self._target.organization_id):
                said = f"{where} belongs to the org {found}, the connection's organization_id is another"
                raise Permanent(f"{said}; correct organization_id or base_url", code="other_org")
        return user, org

    def _parts(self, user: User, *, everything: bool = False) -> tuple[Source, ...]:
        values = {bundle.ENDPOINT: self._target.endpoint, bundle.USERNAME: user.username}
        found = bundle.sources(values)
        if everything:
            return found
        out = self._target.without if self._target.endpoint else self._target.without | _MESSAGING
        return bundle.without(found, out)

    def _foreign(self, parts: Sequence[Source], known: Sequence[Known]) -> set[Component]:
        """The fields of our names that somebody else had made before us: they are used, and left as they are."""
        names = [each.component.name for each in parts if each.component.kind == "CustomField"]
        ours = {each.key for each in known if each.kind == "CustomField" and each.made}
        found = self._setup.custom_fields(names)
        return {Component("CustomField", name) for name, says in found.items()
                if MARK not in says and name not in ours}  # fmt: skip

    # Planning

    def _components(self, verdict: Deployment, known: Sequence[Known]) -> Iterator[Step]:
        said = {each.component: each for each in verdict.messages}
        by_name = {each.component.name: each for each in verdict.messages}  # folders come under another type
        places = {each.place: each for each in known}
        assert self._planned is not None  # noqa: S101 - plan has just made it
        for each in self._planned.components:
            message = said.get(each) or by_name.get(each.name) or Message(each)
            yield _planned_step(message, each, places.get((each.kind, each.name)))
        named = set(self._planned.components)
        for message in verdict.refused:
            if message.component not in named:
                yield _blocked(message, message.component)
        if not verdict.succeeded and not verdict.refused:
            yield Step(Verb.BLOCKED, "package", "Ringback", "the package", says=(refusal(verdict),))

    def _adopted(self, parts: Sequence[Source], foreign: set[Component]) -> Iterator[Step]:
        """A step per field of others: it is used, if it can hold what we write."""
        seen = {name: self._setup.described(name) for name in {each.name.partition(".")[0] for each in foreign}}
        texts = {each.component: each.text for each in parts}
        for each in sorted(foreign):
            sobject, _, field = each.name.partition(".")
            wanted = texts[each].split("<type>", 1)[1].split("<", 1)[0]
            there = str(seen[sobject].get(field, {}).get("type", ""))
            says: tuple[str, ...] = ("it was there before Ringback: used as it is, and never removed",)
            if there and there not in _TYPES.get(wanted, frozenset({there})):
                says = (f"it is there, made by others, and is a {there}; Ringback needs a {wanted}",
                        "→ name another field under fields: in ringback.yaml, or rename this one")  # fmt: skip
                yield Step(Verb.BLOCKED, each.kind, each.name, each.name, made=False, says=says)
            else:
                yield Step(Verb.ADOPT, each.kind, each.name, each.name, made=False, says=says)

    def _assignment(self, user: User) -> Step:
        title = f"{WRITERS} for {user.username}"
        there = self._setup.permission_set(WRITERS)
        held = bool(there) and any(same_id(each, user.id) for each in self._setup.holders(str(there)))
        verb = Verb.KEEP if held else Verb.MAKE
        says = () if held else ("then every field is read back as this user",)
        needs = (("PermissionSet", WRITERS),)
        return Step(verb, ASSIGNMENT, user.username, title, vendor_id=user.id, says=says, needs=needs)

    def _by_hand(self, org: Org, flows: Mapping[str, FlowState], steps: Sequence[Step]) -> Iterator[Step]:
        says: tuple[str, ...]
        if not self._target.endpoint:
            says = ("Salesforce cannot reach this Ringback, or the connection has no webhook_token, so no changes are",
                    "told. → set RINGBACK_BASE_URL to a public https address, and webhook_token")  # fmt: skip
            yield Step(Verb.TELL, "messages", "endpoint", "outbound messages are left out", says=says)
        flow_steps = [each for each in steps if each.kind == "Flow" and each.verb is not Verb.BLOCKED]
        for each in flow_steps if org.live else ():
            if not (each.key in flows and flows[each.key].active):
                says = ("Setup → Flows → open it → Activate: Salesforce lets flows into production only switched off",)
                yield Step(Verb.TELL, "flow activation", each.key, f"activate {each.key}", says=says)
        if any(each.kind == "FlexiPage" and each.verb is Verb.MAKE for each in steps):
            says = ("Setup → Lightning App Builder → \"Contact with customer's voice\" → Activation,",
                    "or put the field set \"Customer's voice\" onto a page of your own")  # fmt: skip
            yield Step(Verb.TELL, "record page", "activation", "show the scores on the record pages", says=says)
        if not self._target.everything:
            says = ("as the connection stands, only the newest score is written, onto contacts; the other fields and",
                    "Customer Response stay empty. → set write_back: everything in ringback.yaml")  # fmt: skip
            yield Step(Verb.TELL, "write back", "write_back", "have everything written", says=says)
        there = self._setup.permission_set(READERS)
        if there is None or not self._setup.holders(there):
            says = ("Setup → Permission Sets → Ringback reader → Manage Assignments: without it they see no scores",)
            yield Step(Verb.TELL, "readers", READERS, "give your sellers Ringback reader", says=says)

    def _removals(self, components: Sequence[Component], known: Mapping[Place, Known]) -> Iterator[Step]:
        """What we remember of is there; without any memory, what is ours by its name, if the org was set up at all."""
        fields = self._setup.custom_fields([each.name for each in components if each.kind == "CustomField"])
        forgotten = not known and self._setup.permission_set(WRITERS) is not None
        for each in components:
            place = (each.kind, each.name)
            before = known.get(place)
            vendor_id = before.vendor_id if before else ""
            step = Step(Verb.REMOVE, *place, each.name, vendor_id=vendor_id)
            if before is not None and not before.made:
                yield replace(step, verb=Verb.FORGET, made=False, says=("it was there before Ringback",))
            elif _belongs_to_a_standard_object(each):
                if each.name in fields and (before is not None or MARK in fields[each.name]):
                    yield step
                elif before is not None:
                    yield replace(step, verb=Verb.FORGET, says=("it is gone already",))
            elif before is not None or forgotten:
                yield step

    def _unassignments(self, known: Sequence[Known]) -> Iterator[Step]:
        """Of everybody, at the first of these steps; one for each that we remember, so that they are forgotten."""
        sets = [each for each in map(self._setup.permission_set, (WRITERS, READERS)) if each]
        count = sum(len(self._setup.holders(each)) for each in sets)
        keys = [each.key for each in known if each.kind == ASSIGNMENT] or ([_EVERYBODY] if count else [])
        says = (f"users who lose Ringback's permission sets: {count}",)
        for key in keys:
            yield Step(Verb.REMOVE, ASSIGNMENT, key, "assignments of the permission sets", says=says)

    # Doing

    def _id_after_deploying(self, step: Step) -> str:
        assert self._planned is not None  # noqa: S101 - a step comes from a plan
        if self._done is None:
            self._done = self._api.deploy(self._planned.zip())
        if not self._done.succeeded:
            raise Transient(f"Salesforce changed nothing: {refusal(self._done)}", code="deploy_failed")
        ids = {each.component.name: each.id for each in self._done.messages}
        return ids.get(step.key, "")

    def _assigned(self, step: Step) -> Performed:
        """Give the permission set, and read back as the connection's user whether it may write every field."""
        if step.verb is Verb.MAKE:
            there = self._setup.permission_set(WRITERS)
            if there is None:
                raise Permanent(f"there is no permission set {WRITERS}: deploy it first", code="no_permission_set")
            self._setup.assign(there, step.vendor_id)
        if hidden := self._hidden():
            shown = ", ".join(hidden[:5]) + (f" and {len(hidden) - 5} more" if len(hidden) > 5 else "")
            said = f"{step.key} may still not use {shown}"
            raise Permanent(f"{said}: does another permission set or a muting one take it away?", code="hidden")
        return Performed(step.vendor_id)

    def _hidden(self) -> list[str]:
        """The fields that the connection's user cannot see, or not write, as a describe in its name shows them."""
        objects = {name.partition(".")[0] for name in self._fields}
        seen = {sobject: self._own.described(sobject) for sobject in objects}
        return [name for name, written in self._fields.items() if not _usable(seen, *name.split("."), written=written)]

    def _unassigned(self, step: Step) -> Performed:
        for there in filter(None, map(self._setup.permission_set, (WRITERS, READERS))):
            for assignment in self._setup.holders(there).values():
                self._setup.unassign(assignment)
        return Performed(step.vendor_id)

    def _remove(self) -> None:
        """Flows first, switched off and then deleted: what they use cannot go while they are there. What belongs to
        our object goes with it."""
        if self._done is not None:
            return
        version = self._target.api_version
        flows = self._setup.flows([each.name for each in self._removing if each.kind == "Flow"])
        if active := [name for name, state in flows.items() if state.active]:
            _expect(self._api.deploy(bundle.switching_off(active, version)))
        if gone := list(_versions(flows)):
            _expect(self._api.deploy(bundle.removal(gone, version), ignore_warnings=True))
        rest = bundle.removal(_without_flows(self._removing), version)
        self._done = _expect(self._api.deploy(rest, ignore_warnings=True))


def _planned_step(message: Message, component: Component, before: Known | None) -> Step:
    if message.problem and not message.warning:
        return _blocked(message, component)
    says: tuple[str, ...] = ()
    verb = Verb.KEEP if before else Verb.ADOPT
    if message.created:
        verb = Verb.MAKE
    elif message.changed:
        verb, says = Verb.MEND, ("it differs from what Ringback needs",)
    vendor_id = before.vendor_id if before else message.id
    return Step(verb, component.kind, component.name, component.name, vendor_id=vendor_id, says=says)


def _blocked(message: Message, component: Component) -> Step:
    advice = remedy(message) or f"look it up in Setup, or go on without it: --leave-out {_objected(message, component)}"
    says = (message.problem, f"→ {advice}")
    return Step(Verb.BLOCKED, component.kind, component.name, component.name, says=says)


def _objected(message: Message, component: Component) -> str:
    """What a permission set or list view need not name for the org to take it; else the type of the component."""
    words = (word.strip(".") for word in re.findall(r"[\w.]+", message.problem))
    return next((word for word in words if "." in word and word in bundle.names()), component.kind)


def _kept(component: Component, known: Sequence[Known]) -> Step:
    """A flow in production: which of its versions runs is the admin's choice, and a deployment would change it."""
    vendor_id = next((each.vendor_id for each in known if each.place == (component.kind, component.name)), "")
    return Step(Verb.KEEP, component.kind, component.name, component.name, vendor_id=vendor_id)


def _untouched(parts: Sequence[Source], org: Org, flows: Mapping[str, FlowState]) -> set[Component]:
    return {each.component for each in parts if org.live and each.component.kind == "Flow"
            and each.component.name in flows}  # fmt: skip


def _for(org: Org, parts: Sequence[Source]) -> list[Source]:
    """Where people work, flows are handed in as drafts: an admin switches them on."""
    if not org.live:
        return list(parts)
    draft = ("<status>Active</status>", "<status>Draft</status>")
    return [replace(each, text=each.text.replace(*draft)) if each.component.kind == "Flow" else each for each in parts]


def _usable(seen: Mapping[str, Mapping[str, Mapping[str, object]]], sobject: str, field: str, *, written: bool) -> bool:
    there = seen[sobject].get(field)
    return there is not None and (bool(there.get("updateable")) or not written)


def _belongs_to_a_standard_object(component: Component) -> bool:
    return component.kind == "CustomField" and not component.name.partition(".")[0].endswith("__c")


def _without_flows(components: Sequence[Component]) -> Iterator[Component]:
    """Flows go by version; fields, views and layouts of an object that goes, go with it."""
    objects = {each.name for each in components if each.kind == "CustomObject"}
    for each in components:
        owner = each.name.partition("-" if each.kind == "Layout" else ".")[0]
        with_its_object = owner in objects and each.kind not in ("CustomObject", "CustomTab")
        if each.kind != "Flow" and not with_its_object:
            yield each


def _versions(flows: Mapping[str, FlowState]) -> Iterator[Component]:
    return (Component("Flow", f"{name}-{number}") for name, state in flows.items() for number in state.versions)


def _expect(deployment: Deployment) -> Deployment:
    if not deployment.succeeded:
        raise Transient(f"Salesforce removed nothing: {refusal(deployment)}", code="deploy_failed")
    return deployment
