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
    Object.assign(this, {client, say});
  }

  async open(place) {
    this.beside = place;
    this.house = new House(this.client, (await this.client.metadata()).settings || {});
    await this.refresh();
  }

  async refresh() {
    const open = new Set([...app.querySelectorAll("details[open] > summary")].map((each) => each.textContent));
    const focused = label(document.activeElement);
    const {ticket, user, requester} = this.beside;
    const picture = await this.house.post(this.house.user(user, "picture"),
      {ticket_id: ticket, email: requester.email, name: requester.name});
    show(picture, this);
    for (const each of app.querySelectorAll("details > summary")) {
      if (open.has(each.textContent)) each.parentElement.open = true;
    }
    if (focused) [...app.querySelectorAll("button, summary, select")].find((each) => label(each) === focused)?.focus();
  }

  tell(words, isTrouble = false) {
    said.textContent = words;
    said.classList.toggle("bad", isTrouble);
  }

  // The inbox takes a moment to understand what was put into it.
  settle() {
    return new Promise((done) => setTimeout(done, 700));
  }

  async attempt(work) {
    try {
      await work();
    } catch (error) {
      this.tell(words(this.say, error), true);
    }
  }
}

function label(element) {
  return element && app.contains(element) ? element.textContent : "";
}

function show(picture, desk) {
  const found = picture.callback;
  app.replaceChildren(customer(desk.say, picture), ...(found ? [callback(desk, found, picture.name)] : []),
    sending(desk, picture.surveys), logging(desk), timeline(desk, picture));
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
  const [place] = await Promise.all([beside(client), followScheme(client)]);
  const say = sayer(place.locale);
  document.documentElement.lang = say.language;
  app.replaceChildren(el("p", {class: "quiet"}, say("loading")));
  const desk = new Desk(client, say);
  const open = () => desk.open(place).catch((error) => lament(say, error, open));
  client.on("ticket.requester.id.changed", () => beside(client).then((now) => Object.assign(place, now)).then(open));
  await open();
}

start();
