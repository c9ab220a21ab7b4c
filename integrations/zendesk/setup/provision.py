"""Setting up a Zendesk account: look at everything once, compare, and make, mend or remove one thing at a time."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from urllib.parse import urlsplit

from integrations import callback_fields
from integrations.errors import IntegrationError, Permanent
from integrations.http import VendorSession
from integrations.protocols import Json
from integrations.provisioning import Known, Performed, Place, Step, Verb
from integrations.zendesk import paging
from integrations.zendesk.setup import words
from integrations.zendesk.setup.blueprint import (
    CALLBACK_TAG,
    MACRO,
    ORGANIZATION_FIELD,
    TICKET_FIELD,
    TRIGGER,
    USER_FIELD,
    VIEW,
    WEBHOOK,
    WEBHOOK_KEYS,
    AccountNames,
    Wanted,
    blueprint,
    resolved,
)
from integrations.zendesk.setup.drift import Drift, drift, is_marked

_PATHS = {
    TICKET_FIELD: "ticket_fields", USER_FIELD: "user_fields", ORGANIZATION_FIELD: "organization_fields",
    VIEW: "views", MACRO: "macros", WEBHOOK: "webhooks", TRIGGER: "triggers",
}  # fmt: skip
"""Each kind's place below /api/v2, which is also what Zendesk calls a list of them."""

_BY_KEY = (USER_FIELD, ORGANIZATION_FIELD)
_REMOVAL = (TRIGGER, WEBHOOK, MACRO, VIEW, ORGANIZATION_FIELD, USER_FIELD, TICKET_FIELD)
"""What refers to others goes before them: Zendesk keeps a field that a view still shows."""

_OWN_WAY = (WEBHOOK, TRIGGER)
"""What each installation has for itself; all else several on one account share."""

_SHARED = "the Ringback at {who} uses it, too: it stays until that one removes it"
_ADMIN = "only an admin may do that: give Ringback's user the role Admin, at least while this command runs"
_SLA = (
    f"no SLA policy asks for tickets tagged {CALLBACK_TAG}; add one in the Admin Center",
    "with targets for the priorities High and Urgent: a priority without a target is not measured",
)
_FORMS = ("agents see the fields once they stand on the ticket form of the callbacks; add them in the Admin Center",)


@dataclass(frozen=True, slots=True)
class AccountState:
    """What an account holds of the kinds we care for, each by its id. ``neighbours`` are the hosts of other
    installations of Ringback that work on it, known by the mark on their webhooks: their triggers are left out here."""

    things: Mapping[str, Mapping[str, Json]]
    neighbours: tuple[str, ...] = ()

    def of(self, kind: str) -> Iterable[Json]:
        return self.things[kind].values()


class ZendeskProvisioner:
    """A ``Provisioner`` for one account. ``account`` says in which language, and where its webhooks go."""

    def __init__(self, session: VendorSession, account: AccountNames) -> None:
        self._session, self._account = session, account

    def plan(self, known: Sequence[Known]) -> Sequence[Step]:
        """Also what only a person can do (ticket forms, SLA policies), as ``Verb.TELL``."""
        found, memory = self._found(), {each.place: each for each in known}
        steps: list[Step] = []
        ids: dict[Place, str] = {}
        for wanted in blueprint(replace(self._account, language=self._language(found))):
            there = _find(wanted, found, memory.get(wanted.place))
            if there is not None:
                ids[wanted.place] = str(there["id"])
            steps += _steps(wanted, there, memory.get(wanted.place), ids)
        return [*steps, *self._others(found, memory, steps), *self._by_hand(ids)]

    def plan_removal(self, known: Sequence[Known]) -> Sequence[Step]:
        """Of what we know and what bears our mark: gone are those that we made, forgotten the others."""
        found, memory = self._found(), {each.place: each for each in known}
        account = replace(self._account, language=self._language(found))
        every = [each for way in (False, True) for each in blueprint(replace(account, by_trigger=way))]
        for wanted in every:
            there = _find(wanted, found, memory.get(wanted.place))
            if wanted.place not in memory and there is not None and is_marked(there, wanted.key):
                memory[wanted.place] = Known(wanted.kind, wanted.key, str(there["id"]))
        titles = {wanted.place: wanted.title for wanted in every}
        ordered = sorted(memory.values(), key=lambda each: (_REMOVAL.index(each.kind), each.key))
        return [_removal(each, titles, found) for each in ordered]

    def perform(self, step: Step, ids: Mapping[Place, str]) -> Performed:
        """Permanent names the remedy where it is the role of our user."""
        with _as_admin():
            return self._perform(step, ids)

    def _perform(self, step: Step, ids: Mapping[Place, str]) -> Performed:
        path, body = f"/api/v2/{_PATHS.get(step.kind, '')}", resolved(step.body, ids)
        vendor_id = step.vendor_id or ids.get(step.place, "")
        if step.verb is Verb.MAKE:
            made = self._session.post(path, json={step.kind: body}).json()[step.kind]
            vendor_id = str(made["id"])
        elif step.verb is Verb.MEND:
            change = self._session.patch if step.kind == WEBHOOK else self._session.put
            change(f"{path}/{vendor_id}", json={step.kind: body})
        elif step.verb is Verb.REMOVE:
            self._delete(f"{path}/{vendor_id}")
        return Performed(vendor_id, self._secret(step, vendor_id))

    def _delete(self, path: str) -> None:
        try:
            self._session.delete(path)
        except IntegrationError as error:
            if error.status != 404:  # somebody was faster
                raise

    def _secret(self, step: Step, vendor_id: str) -> str:
        """It is fetched each time: an admin may have asked Zendesk for a new one."""
        if step.kind != WEBHOOK or step.verb in (Verb.REMOVE, Verb.FORGET):
            return ""
        answer = self._session.get(f"/api/v2/webhooks/{vendor_id}/signing_secret").json()
        return str(answer["signing_secret"]["secret"])

    def _found(self) -> AccountState:
        """Seven lists, each read once, to its end."""
        with _as_admin():
            lists = {kind: list(self._listed(path, path)) for kind, path in _PATHS.items()}
        things = {kind: {str(each["id"]): each for each in listed} for kind, listed in lists.items()}
        others = {id_: host for id_, each in things[WEBHOOK].items() if (host := self._neighbour(each))}
        things[TRIGGER] = {id_: each for id_, each in things[TRIGGER].items() if _calls(each).isdisjoint(others)}
        return AccountState(things, tuple(sorted(set(others.values()))))

    def _neighbour(self, webhook: Json) -> str:
        """The host of another installation whose webhook this is; "" for ours and for strangers'."""
        endpoint = str(webhook.get("endpoint"))
        is_ringbacks = any(is_marked(webhook, key) for key in WEBHOOK_KEYS)
        return (urlsplit(endpoint).hostname or "") if is_ringbacks and endpoint != self._account.endpoint else ""

    def _listed(self, path: str, name: str) -> Iterator[Json]:
        return paging.every(self._session, path, name)

    def _language(self, found: AccountState) -> str:
        """As asked for; else as what is there already; else as the account's people read."""
        if self._account.language:
            return self._account.language
        titles = [str(each.get("raw_title") or each.get("title")) for each in found.of(TICKET_FIELD)]
        own = {each: [text.title[each] for text in words.FIELDS.values()] for each in words.LANGUAGES}
        counts = {each: sum(title in own[each] for title in titles) for each in words.LANGUAGES}
        if any(counts.values()):
            return max(counts, key=lambda language: counts[language])
        locale = str(self._session.get("/api/v2/locales/current").json()["locale"]["locale"]).lower()[:2]
        return locale if locale in words.LANGUAGES else words.DEFAULT

    def _others(self, found: AccountState, memory: Mapping[Place, Known], steps: Sequence[Step]) -> Iterator[Step]:
        """What we made once and want no longer: the triggers of an account that has events now, or the reverse."""
        wanted = {step.place for step in steps}
        titles: dict[Place, str] = {}
        stale = [each for each in memory.values() if each.place not in wanted]
        for each in sorted(stale, key=lambda one: _REMOVAL.index(one.kind)):
            yield _removal(each, titles, found)

    def _by_hand(self, ids: Mapping[Place, str]) -> Iterator[Step]:
        if not self._stand_on_a_form({each for (kind, _), each in ids.items() if kind == TICKET_FIELD}):
            yield Step(Verb.TELL, "ticket_form", "fields", "fields on the ticket form", says=_FORMS)
        if not self._has_policy():
            yield Step(Verb.TELL, "sla_policy", "callbacks", "SLA of callbacks", says=_SLA)

    def _stand_on_a_form(self, fields: set[str]) -> bool:
        """Whether all our fields do. Also when the plan knows no forms: then every ticket has all fields."""
        forms = [each for each in self._optional("ticket_forms") or () if each.get("active")]
        if not forms or len(fields) < len(callback_fields.FIELDS):
            return not forms
        return any(fields <= {str(each) for each in form["ticket_field_ids"]} for form in forms)

    def _has_policy(self) -> bool:
        """Also when the plan has no SLA policies: then there is nothing to advise."""
        policies = self._optional("slas/policies", "sla_policies")
        return policies is None or any(CALLBACK_TAG in str(each.get("filter")) for each in policies)

    def _optional(self, path: str, name: str = "") -> list[Json] | None:
        """A list that smaller plans do not have; None where it is refused."""
        try:
            return list(self._listed(path, name or path))
        except Permanent:
            return None


@contextmanager
def _as_admin() -> Iterator[None]:
    try:
        yield
    except Permanent as error:
        if error.status != 403:
            raise
        raise Permanent(f"{error.reason}; {_ADMIN}", code=error.code, status=error.status) from error


def _find(wanted: Wanted, found: AccountState, known: Known | None) -> Json | None:
    """The thing in the account: as remembered, else by its mark, its key, its address or its title."""
    things = found.things[wanted.kind]
    if known is not None and known.vendor_id in things:
        return things[known.vendor_id]
    for alike in (_marked, _alike):
        if there := next((each for each in things.values() if alike(wanted, each)), None):
            return there
    return None


def _marked(wanted: Wanted, there: Json) -> bool:
    same_way = wanted.kind != WEBHOOK or there.get("endpoint") == wanted.body["endpoint"]
    return same_way and is_marked(there, wanted.key)


def _alike(wanted: Wanted, there: Json) -> bool:
    if wanted.kind in _BY_KEY:
        return bool(there.get("key") == wanted.key)
    if wanted.kind == WEBHOOK:
        same_kind = (there.get("subscriptions") == ["conditional_ticket_events"]) == (wanted.key == "triggers")
        return same_kind and bool(there.get("endpoint") == wanted.body["endpoint"])
    return there.get("raw_title", there.get("title")) in wanted.titles


def _steps(wanted: Wanted, there: Json | None, known: Known | None, ids: Mapping[Place, str]) -> Iterator[Step]:
    """One step, or two for a webhook: its secret is kept before it is switched on, so no event meets a closed door."""
    base = Step(Verb.MAKE, wanted.kind, wanted.key, wanted.title, needs=wanted.needs, body=wanted.body)
    if there is None:
        first = base if wanted.kind != WEBHOOK else replace(base, body={**wanted.body, "status": "inactive"})
        yield first
        if wanted.kind == WEBHOOK:
            on = ("to be switched on once its secret is kept",)
            yield replace(base, verb=Verb.MEND, says=on, needs=(wanted.place,), body={"status": "active"})
        return
    ours = known.made if known and known.vendor_id == str(there["id"]) else is_marked(there, wanted.key)
    title = wanted.title if ours else _title(there) or wanted.title
    base = replace(base, vendor_id=str(there["id"]), made=ours, title=title)
    yield _kept_or_mended(base, drift(wanted.kind, there, resolved(wanted.body, ids), ours=ours), known)


def _kept_or_mended(step: Step, differs: Drift, known: Known | None) -> Step:
    if differs.hopeless:
        return replace(step, verb=Verb.TELL, says=(differs.hopeless,))
    if differs.change:
        return replace(step, verb=Verb.MEND, says=differs.says, body=_unresolved(differs.change, step.body))
    if known is not None and known.vendor_id == step.vendor_id:
        return replace(step, verb=Verb.KEEP)
    by_hand = () if step.made else ("made by hand: it is used, and never removed",)
    return replace(step, verb=Verb.ADOPT, says=by_hand)


def _calls(trigger: Json) -> set[str]:
    """The webhooks that a trigger calls."""
    actions = [each for each in trigger.get("actions") or () if each.get("field") == "notification_webhook"]
    return {str(value[0]) for each in actions if isinstance(value := each.get("value"), list) and value}


def _title(there: Json) -> str:
    return str(there.get("title") or there.get("name") or "")


def _unresolved(change: Json, body: Json) -> Json:
    """With the references as they were: what they point to may have to be made first. Titles and choices hold none, and
    may be the admin's own."""
    return {name: value if name in ("title", "custom_field_options") else body[name] for name, value in change.items()}


def _removal(known: Known, titles: Mapping[Place, str], found: AccountState) -> Step:
    there = found.things[known.kind].get(known.vendor_id)
    title = _title(there or {}) or titles.get(known.place) or known.key
    step = Step(Verb.REMOVE, known.kind, known.key, title, known.vendor_id, known.made)
    if there is None:
        return replace(step, verb=Verb.FORGET, says=("it is gone already",))
    if not known.made:
        return replace(step, verb=Verb.FORGET, says=("made by hand: it stays",))
    if found.neighbours and known.kind not in _OWN_WAY:
        return replace(step, verb=Verb.FORGET, says=(_SHARED.format(who=" and ".join(found.neighbours)),))
    return step
