// Who it is, and the latest score on each scale.

import {el} from "./dom.js";

export function customer(say, picture) {
  const badge = picture.opted_out ? el("span", {class: "badge"}, say("opted_out")) : null;
  return el("header", {class: "customer"}, el("h1", {}, picture.name || say("customer")), badge, scores(say, picture));
}

function scores(say, picture) {
  if (!picture.scores.length) return el("p", {class: "quiet"}, say(picture.customer ? "no_score" : "new_customer"));
  const list = el("ul", {class: "scores", "aria-label": say("scores")}, picture.scores.map((each) => score(say, each)));
  const quadrant = picture.quadrant ? el("p", {class: "quiet"}, say(`quadrant.${picture.quadrant}`)) : null;
  return [list, quadrant];
}

function score(say, each) {
  return el("li", {class: `score ${each.band}`},
    el("strong", {}, `${each.metric.toUpperCase()} ${each.score}`), " ",
    el("span", {}, say.or(`band.${each.label}`, each.label)),
    el("span", {class: "quiet"}, `${say.day(each.answered_at)} · ${say("answers", {n: each.count})}`));
}
