// What a customer said in a call, a visit or a mail.

import {choices, complain, el, field, fold, once} from "./dom.js";
import {newKey} from "./house.js";

export function logging(desk) {
  const {say} = desk;
  const comment = el("textarea", {rows: 3, maxlength: 5000, required: true, dir: "auto"});
  const conversation = choices(say.all("log.conversations"));
  const score = choices(Array.from({length: 11}, (_, each) => [String(each), String(each)]), say("log.no_score"));
  const consent = el("input", {type: "checkbox", id: "log-consent"});
  const button = el("button", {type: "submit", class: "main"}, say("log.button"));
  let key = newKey();
  const send = async () => {
    if (await desk.attempt(log)) form.reset();
  };
  const log = async () => {
    const {house, beside} = desk;
    const given = score.value === "" ? {} : {metric: "nps", score: Number(score.value)};
    await house.click(house.user(beside.user, "feedback"), {
      key, agent: beside.agent, ticket_id: beside.ticket, ...beside.requester, comment: comment.value,
      conversation: conversation.value, contact_consent: consent.checked, ...given,
    });
    key = newKey();
    await desk.refresh();
    desk.tell(say("log.logged"));
  };
  const submit = (event) => {
    event.preventDefault();
    const empty = !comment.value.trim();
    complain(comment, empty ? say("log.need_comment") : "");
    if (!empty) once(button, send);
  };
  const form = el("form", {onsubmit: submit, novalidate: true},
    field(say("log.comment"), comment), field(say("log.conversation"), conversation), field(say("log.score"), score),
    el("div", {class: "check"}, consent, el("label", {for: "log-consent"}, say("log.consent"))),
    el("div", {class: "buttons"}, button));
  return fold(say("log.title"), false, form);
}
