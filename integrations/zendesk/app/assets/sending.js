// A survey by hand. The rules decide whether it leaves, and the agent reads why it does not.

import {choices, el, field, fold, once} from "./dom.js";
import {newKey} from "./house.js";
import {because} from "./say.js";

export function sending(desk, offers) {
  const {say} = desk;
  if (!offers.length) return fold(say("send.title"), false, el("p", {class: "quiet"}, say("send.none")));
  const survey = choices(offers.map((each) => [each.survey, each.name]));
  const why = el("p", {class: "why", id: "why"});
  const button = el("button", {type: "submit", class: "main", "aria-describedby": "why"}, say("send.button"));
  const chosen = () => offers.find((each) => each.survey === survey.value);
  const look = () => {
    why.textContent = chosen().why_not ? because(say, chosen().why_not) : "";
    button.toggleAttribute("disabled", Boolean(chosen().why_not));
  };
  survey.addEventListener("change", look);
  look();
  const send = sender(desk);
  const submit = (event) => {
    event.preventDefault();
    once(button, () => send(survey.value));
  };
  return fold(say("send.title"), false,
    el("form", {onsubmit: submit}, field(say("send.survey"), survey), why, el("div", {class: "buttons"}, button)));
}

function sender(desk) {
  const {say, house, beside} = desk;
  const keys = new Map();
  return (survey) => desk.attempt(async () => {
    if (!keys.has(survey)) keys.set(survey, newKey());
    const body = {key: keys.get(survey), agent: beside.agent, survey, ticket_id: beside.ticket, ...beside.requester};
    desk.tell(say("send.under_way"));
    const became = await house.click(house.user(beside.user, "surveys"), body);
    keys.delete(survey);
    await desk.refresh();
    desk.tell(words(say, became), became.state === "withheld" || became.state === "stopped");
  });
}

function words(say, became) {
  if (became.state === "waiting" || became.state === "done") return say("send.slow");
  return became.state === "sent" ? say("send.sent") : because(say, became.reason);
}
