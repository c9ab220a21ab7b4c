// What the app stands beside: the person, the ticket, the agent, the look of Zendesk. Asked in one go.

export async function beside(client) {
  const context = await client.context();
  const place = context.location === "user_sidebar" ? "user" : "ticket.requester";
  const ticket = place === "user" ? [] : ["ticket.id"];
  const found = await client.get([place, "currentUser", ...ticket]);
  const [person, agent] = [found[place] || {}, found.currentUser || {}];
  return {
    user: String(person.id || ""),
    requester: {email: person.email || "", name: person.name || "", locale: person.locale || ""},
    ticket: String(found["ticket.id"] || ""),
    agent: {name: agent.name || agent.email || "?", email: agent.email || "", id: String(agent.id || "")},
    locale: agent.locale || "en",
  };
}

// Zendesk's own scheme, where it tells one; the system's wish says nothing of the panel around us.
export async function followScheme(client) {
  const set = (scheme) => document.documentElement.setAttribute("data-scheme", scheme === "dark" ? "dark" : "light");
  client.on("colorScheme.changed", set);
  try {
    set((await client.get("colorScheme")).colorScheme);
  } catch {
    set("light");
  }
}

// The frame is as high as what it shows.
export function fitFrame(client) {
  let last = 0;
  const fit = () => {
    const height = Math.min(Math.ceil(document.body.getBoundingClientRect().height), 2000);
    if (height !== last) client.invoke("resize", {width: "100%", height: `${(last = height)}px`});
  };
  new ResizeObserver(fit).observe(document.body);
}
