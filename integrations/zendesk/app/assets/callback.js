// The callback that this ticket is: what the customer said, what to say, and what came of it.

import {choices, complain, el, field, fold, once} from "./dom.js";
import {newKey} from "./house.js";

const CALLED = ["recovered", "partly", "not_recovered"]; // a call took place: the cause is asked for
const GONE = ["merged", "deleted", "spam"];
const WON_BACK = "recovered"; // the customer said so

export function callback(desk, found, name) {
  const {say} = desk;
  const wonBack = found.status === WON_BACK;
  const over = wonBack || GONE.includes(found.status);
  return el("section", {class: "part callback-part", "aria-labelledby": "callback"},
    el("h2", {id: "callback"}, say(wonBack ? "callback.won_back" : "callback.title")),
    el("p", {class: "badge"}, say.or(`callback.status.${found.status}`, found.status)),
    answer(say, found), reach(say, found), known(say, found),
    over ? null : [guide(desk, found, name), desk.keep(`outcome-${found.ticket_id}`, () => form(desk, found))]);
}

function answer(say, found) {
  if (!found.answer) return null;
  const {metric, score, label, comment, band} = found.answer;
  const words = comment ? el("blockquote", {dir: "auto"}, comment) : el("p", {class: "quiet"}, say("callback.no_words"));
  return el("div", {class: `answer ${band}`},
    el("strong", {}, `${metric.toUpperCase()} ${score} – ${say.or(`band.${label}`, label)}`),
    el("p", {class: "quiet"}, say("callback.words")), words);
}

function reach(say, found) {
  const number = found.dial ? el("a", {href: `tel:${found.dial}`}, found.phone) : `“${found.phone}” ${say("callback.as_given")}`;
  const phone = found.phone && [el("dt", {}, say("callback.phone")), el("dd", {}, number)];
  const window = found.window && [
    el("dt", {}, say("callback.window")), el("dd", {}, say.or(`callback.windows.${found.window}`, found.window))];
  return phone || window ? el("dl", {}, phone || null, window || null) : null;
}

function known(say, found) {
  if (!found.outcome) return null;
  const outcome = say.or(`callback.outcomes.${found.outcome}`, found.outcome);
  const cause = found.root_cause && say.or(`callback.causes.${found.root_cause}`, found.root_cause);
  const words = say(cause ? "callback.known_cause" : "callback.known", {outcome, cause, agent: found.concluded_by || say("callback.nobody")});
  return el("p", {class: "known"}, words);
}

function guide(desk, found, name) {
  const {say} = desk;
  const comment = found.answer?.comment || "";
  const short = (comment.length > 120 ? `${comment.slice(0, 119)}…` : comment).replace(/[.\s]+$/, "");
  const filled = {
    customer: name || "…", agent: desk.beside.agent.name, score: found.answer?.score ?? "…",
    echo: short ? say("callback.echo", {comment: short}) : say("callback.echo_unknown"),
  };
  const steps = say.all("callback.steps").map(([, step]) =>
    el("li", {}, step.do, el("q", {}, say.fill(step.say, filled))));
  return fold(say("callback.guide"), false, el("ol", {class: "guide"}, steps));
}

function form(desk, found) {
  const {say} = desk;
  const outcome = choices(say.all("callback.outcomes").filter(([value]) => value !== "not_reached"), say("callback.choose"));
  const cause = choices(say.all("callback.causes"), say("callback.choose"));
  const note = el("textarea", {rows: 2, maxlength: 5000});
  const save = el("button", {type: "submit", class: "main"}, say("callback.save"));
  const missed = el("button", {type: "button"}, say("callback.not_reached"));
  const send = conclusion(desk, found);
  const done = async (...said) => {
    if (!await send(...said)) return;
    part.open = false;
    [outcome, cause, note].forEach((each) => { each.value = ""; complain(each); });
  };
  missed.addEventListener("click", () => once(missed, () => done("not_reached", "", note.value)));
  const submit = (event) => {
    event.preventDefault();
    complain(outcome, outcome.value ? "" : say("callback.need_outcome"));
    if (!outcome.value) return;
    const lacks = CALLED.includes(outcome.value) && !cause.value;
    complain(cause, lacks ? say("callback.need_cause") : "");
    if (!lacks) once(save, () => done(outcome.value, cause.value, note.value));
  };
  const part = fold(say("callback.record"), !found.outcome, el("form", {onsubmit: submit, novalidate: true},
    field(say("callback.outcome"), outcome), field(say("callback.cause"), cause), field(say("callback.note"), note),
    el("div", {class: "buttons"}, save, missed)));
  return part;
}

// One key for each thing said, so that trying it again after an outage says it once.
function conclusion(desk, found) {
  const keys = new Map();
  return (outcome, root_cause, note) => desk.attempt(async () => {
    const said = JSON.stringify([outcome, root_cause, note]);
    if (!keys.has(said)) keys.set(said, newKey());
    const body = {key: keys.get(said), agent: desk.beside.agent, outcome, root_cause, note};
    await desk.house.click(desk.house.ticket(found.ticket_id, "outcome"), body);
    await desk.refresh();
    desk.tell(desk.say("callback.saved", {outcome: desk.say(`callback.outcomes.${outcome}`)}));
  });
}
