// In place of Zendesk's page: answers what the frame asks, and lets the proxy make its requests.

const frame = document.getElementById("app");

const ANSWERS = {
  context: () => PLACE.context,
  metadata: () => ({settings: PLACE.settings}),
  get: (paths) => {
    const unknown = paths.filter((path) => !(path in PLACE.values));
    if (unknown.length === paths.length) throw {message: `Could not find handler for: "${unknown}"`};
    return Object.fromEntries(paths.filter((path) => path in PLACE.values).map((path) => [path, PLACE.values[path]]));
  },
  set: (values) => {
    (window.SET ??= []).push(values);
    return values;
  },
  invoke: (name, given) => {
    if (name === "resize") frame.style.height = given.height;
  },
  request: async (options) => {
    const answer = await fetch("/proxy", {method: "POST", body: JSON.stringify(options)});
    const text = await answer.text();
    const isJson = (answer.headers.get("content-type") || "").includes("json");
    if (answer.ok) return isJson ? JSON.parse(text) : text;
    throw {status: answer.status, statusText: answer.statusText, responseText: text, ...(isJson ? {responseJSON: JSON.parse(text)} : {})};
  },
};

window.addEventListener("message", async ({data, source}) => {
  if (source !== frame.contentWindow) return;
  try {
    source.postMessage({id: data.id, value: await ANSWERS[data.name](...data.given)}, "*");
  } catch (failed) {
    source.postMessage({id: data.id, failed}, "*");
  }
});

window.fire = (event, value) => frame.contentWindow.postMessage({event, value}, "*");
