// The sidebar: ask what we stand beside, fetch the whole picture in one request, show it.

import {beside, fitFrame, followScheme} from "./beside.js";
import {callback} from "./callback.js";
import {customer} from "./customer.js";
import {el} from "./dom.js";
import {House, Trouble} from "./house.js";
import {logging} from "./logging.js";
import {sayer} from "./say.js";
import {sending} from "./sending.js";
import {timeline} from "./timeline.js";

const app = document.getElementById("app");
const said = document.getElementById("said");

// What the parts need: the house, the words, the place, and ways to tell and to try.
class Desk {
  constructor(client, say) {
    Object.assign(this, {client, say, kept: new Map()});
  }

  // A part that is made once, so that what was typed there outlives a fresh picture.
  keep(name, make) {
    if (!this.kept.has(name)) this.kept.set(name, make());
    return this.kept.get(name);
  }

  async open(place) {
    this.beside = place;
    this.kept.clear();
    this.house = new House(this.client, (await this.client.metadata()).settings || {});
    await this.refresh();
  }

  async refresh() {
    const {ticket, user, requester} = this.beside;
    const picture = await this.house.post(this.house.user(user, "picture"),
      {ticket_id: ticket, email: requester.email, name: requester.name});
    const open = new Set([...app.querySelectorAll("details[open] > summary")].map((each) => each.textContent));
    const focused = app.contains(document.activeElement) ? document.activeElement : null;
    show(picture, this);
    for (const each of app.querySelectorAll("details > summary")) {
      if (open.has(each.textContent)) each.parentElement.open = true;
    }
    if (focused) (app.contains(focused) ? focused : likeness(focused))?.focus();
  }

  tell(words, isTrouble = false) {
    said.textContent = words;
    said.classList.toggle("bad", isTrouble);
  }

  // Whether it went well; if not, the agent is told.
  async attempt(work) {
    try {
      await work();
      return true;
    } catch (error) {
      this.tell(words(this.say, error), true);
      return false;
    }
  }
}

// What stands now where an element of the picture before stood.
function likeness(gone) {
  return [...app.querySelectorAll(gone.localName)].find((each) => each.textContent === gone.textContent);
}

function show(picture, desk) {
  const found = picture.callback;
  app.replaceChildren(customer(desk.say, picture), ...(found ? [callback(desk, found, picture.name)] : []),
    sending(desk, picture.surveys), desk.keep("logging", () => logging(desk)), timeline(desk, picture));
  app.setAttribute("aria-busy", "false");
}

function words(say, error) {
  if (!(error instanceof Trouble)) console.error(error);
  return error instanceof Trouble ? say(`trouble.${error.words}`, error.filled) : say("trouble.away");
}

function lament(say, error, again) {
  const button = again && el("button", {type: "button", class: "main", onclick: again}, say("trouble.again"));
  app.replaceChildren(el("div", {role: "alert", class: "lament"},
    el("h1", {}, say("trouble.title")), el("p", {}, words(say, error)), button || null));
  app.setAttribute("aria-busy", "false");
}

async function start() {
  const client = window.ZAFClient?.init();
  if (!client) return lament(sayer(navigator.language), new Trouble("outside"));
  fitFrame(client);
  followScheme(client); // not waited for: the picture comes first
  const place = await beside(client);
  const say = sayer(place.locale);
  document.documentElement.lang = say.language;
  app.replaceChildren(el("p", {class: "quiet"}, say("loading")));
  const desk = new Desk(client, say);
  const open = () => desk.open(place).catch((error) => lament(say, error, open));
  client.on("ticket.requester.id.changed", () => beside(client).then((now) => Object.assign(place, now)).then(open));
  await open();
}

start();
