// Everything that happened with this customer, newest first.

import {el, once} from "./dom.js";
import {because} from "./say.js";

export function timeline(desk, picture) {
  const {say} = desk;
  const list = el("ol", {class: "timeline"}, picture.timeline.items.map((item) => moment(say, item)));
  const empty = picture.timeline.items.length ? null : el("p", {class: "quiet"}, say("timeline.empty"));
  const part = el("section", {class: "part", "aria-labelledby": "timeline"},
    el("h2", {id: "timeline"}, say("timeline.title")), empty, list);
  if (picture.timeline.next) part.append(more(desk, picture.customer, picture.timeline.next, list));
  return part;
}

function more(desk, customer, next, list) {
  const {say, house} = desk;
  const button = el("button", {type: "button", class: "plain", onclick: () => once(button, () => desk.attempt(load))}, say("timeline.more"));
  const load = async () => {
    const page = await house.get(`/customers/${customer}/timeline?before=${encodeURIComponent(next)}`);
    const added = page.items.map((item) => moment(say, item));
    list.append(...added);
    desk.tell(say("timeline.added", {n: added.length}));
    next = page.next;
    if (next) return;
    button.remove();
    added[0]?.setAttribute("tabindex", "-1"); // where the button was is nothing any more: the focus goes on here
    added[0]?.focus();
  };
  return button;
}

function moment(say, item) {
  const [title, ...lines] = TOLD[item.kind] ? TOLD[item.kind](say, item.details) : [item.kind];
  const by = item.details.logged_by ? el("p", {class: "quiet"}, say("timeline.by", {agent: item.details.logged_by})) : null;
  return el("li", {class: `moment ${item.kind} ${item.details.band || ""}`},
    el("p", {class: "what"}, title),
    el("time", {datetime: item.at, class: "quiet"}, say.minute(item.at)),
    lines.filter(Boolean).map((line) => el("p", {class: "words", dir: "auto"}, line)), by);
}

// The name of an event that only its sender knows: "order.delivered" as "Order delivered".
function plainly(type) {
  const words = type.replace(/[._]/g, " ");
  return words.charAt(0).toUpperCase() + words.slice(1);
}

// kind → its title, and the lines below
const TOLD = {
  answer: (say, d) => [
    say("timeline.answer", {metric: d.metric.toUpperCase(), score: d.score, label: say.or(`band.${d.label}`, d.label)}), d.comment],
  callback: (say, d) => [say("timeline.callback", {status: say.or(`callback.status.${d.status}`, d.status)}),
    d.ticket_id && say("timeline.ticket", {id: d.ticket_id})],
  survey: (say, d) => [`${say.or(`timeline.survey.${d.status}`, d.status)}: ${d.survey}`, d.status === "withheld" && because(say, d.reason)],
  withheld: (say, d) => [`${say("timeline.survey.withheld")}: ${d.survey}`, because(say, d.reason)],
  message: (say, d) => [say("timeline.message", {subject: d.subject})],
  returned: (say, d) => [say(`timeline.returned.${d.returned}`), d.reason],
  consent: (say, d) => [d.purpose === "surveys" && !d.granted ? say("timeline.opted_out") : say.or(`timeline.${d.purpose}`, d.purpose)],
  event: (say, d) => {
    const filled = {...d, outcome: say.or(`callback.outcomes.${d.outcome}`, d.outcome)};
    const title = say.has(`timeline.event.${d.type}`) ? say(`timeline.event.${d.type}`, filled) : plainly(d.type);
    const cause = d.root_cause && say.or(`callback.causes.${d.root_cause}`, d.root_cause);
    return [title, d.subject, cause, d.comment || d.note];
  },
};
