// In place of Zendesk's page: speaks with Zendesk's SDK in the frame, by the messages that the SDK knows.

const frame = document.getElementById("app");
const ORIGIN = new URL(frame.src).origin;
const heard = new Set(); // the events that the frame asked for; Zendesk tells it no others

const send = (message) => frame.contentWindow.postMessage(JSON.stringify(message), ORIGIN);
const tell = (event, message) => send({key: `zaf.${event}`, message});

// What is asked by `get`: what is known under its path, and under "errors" each path that is not.
function get(paths) {
  const known = paths.filter((path) => path in PLACE.values);
  const unknown = paths.filter((path) => !(path in PLACE.values));
  const errors = Object.fromEntries(unknown.map((path) => [path, {path, message: "could not be found", name: "Error"}]));
  return {...Object.fromEntries(known.map((path) => [path, PLACE.values[path]])), errors};
}

function invoke(calls) {
  if (calls.resize) frame.style.height = calls.resize[0].height;
  return Object.fromEntries(Object.keys(calls).map((name) => [name, null]));
}

const ANSWERS = {get, invoke};

// A request by Zendesk's proxy, answered as jQuery does: (data, status, xhr), or (xhr, status, error).
async function request(key, options) {
  const answer = await fetch("/proxy", {method: "POST", body: JSON.stringify(options)});
  const responseText = await answer.text();
  const isJson = (answer.headers.get("content-type") || "").includes("json");
  const responseJSON = isJson ? JSON.parse(responseText) : undefined;
  const xhr = {readyState: 4, status: answer.status, statusText: answer.statusText, responseText, responseJSON};
  const [how, responseArgs] = answer.ok
    ? ["done", [responseJSON ?? responseText, "success", xhr]] : ["fail", [xhr, "error", answer.statusText]];
  if (heard.has(`${key}.${how}`)) tell(`${key}.${how}`, {responseArgs});
}

function heed({key, message, id, request: name, params}) {
  if (key === "iframe.handshake") return tell("app.registered", {metadata: PLACE.metadata, context: PLACE.context});
  if (name) return send({id, ...answered(name, params)});
  const [what, event] = [key.slice(0, key.indexOf(":")), key.slice(key.indexOf(":") + 1)];
  if (what === "iframe.on") heard.add(event);
  else if (what === "iframe.off" && !message.subscriberCount) heard.delete(event);
  else if (what === "request") request(key, message);
}

function answered(name, params) {
  try {
    return {result: ANSWERS[name](params)};
  } catch (error) {
    return {error: {name: error.name, message: error.message}};
  }
}

window.addEventListener("message", ({data, origin, source}) => {
  if (source !== frame.contentWindow || origin !== ORIGIN) return;
  const message = JSON.parse(data);
  if (message.appGuid === PLACE.guid) heed(message);
});

window.fire = (event, value) => heard.has(event) && tell(event, value);
