// Requests to Ringback. Zendesk's proxy makes them, and puts in the token that no page ever sees.

const LOOKS = 8, PAUSE = 700; // milliseconds

export class Trouble extends Error {
  // `words` is the place of the sentence that tells the agent what to do, `filled` what it mentions.
  constructor(words, filled = {}) {
    super(words);
    this.words = words;
    this.filled = filled;
  }
}

export class House {
  constructor(client, settings) {
    this.client = client;
    this.connection = String(settings.connection || "").trim();
    this.address = String(settings.address || "").trim().replace(/\/+$/, "");
    if (!this.connection || !this.address) throw new Trouble("settings");
  }

  get(path) {
    return this.request("GET", path);
  }

  post(path, body) {
    return this.request("POST", path, body);
  }

  // Make a click, and look what became of it until the house has understood it, or for some seconds.
  async click(path, body) {
    let became = await this.post(path, body);
    for (let looked = 0; became.state === "waiting" && looked < LOOKS; looked += 1) {
      await new Promise((done) => setTimeout(done, PAUSE));
      became = await this.get(`/clicks/${body.key}`);
    }
    return became;
  }

  user(id, what) {
    return `/${encodeURIComponent(this.connection)}/users/${id}/${what}`;
  }

  ticket(id, what) {
    return `/${encodeURIComponent(this.connection)}/tickets/${id}/${what}`;
  }

  async request(type, path, body) {
    const sent = body === undefined ? {} : {data: JSON.stringify(body), contentType: "application/json"};
    try {
      return read(await this.client.request({
        url: `${this.address}/api/v1/agent${path}`, type, ...sent,
        headers: {Authorization: "Bearer {{setting.token}}", Accept: "application/json"},
        secure: true, cors: false, autoRetry: false,
      }));
    } catch (error) {
      throw error instanceof Trouble ? error : this.trouble(error);
    }
  }

  trouble(error) {
    const problem = asObject(error.responseJSON ?? error.responseText);
    if (error.status === 401) return new Trouble("token");
    if (error.status === 403) return new Trouble("scope");
    if (error.status === 404 && problem.errors?.[0]?.field === "helpdesk") {
      return new Trouble("connection", {connection: this.connection});
    }
    if (error.status >= 400 && error.status < 500 && error.status !== 429) {
      return new Trouble("refused", {detail: said(problem) || error.status});
    }
    return new Trouble("away");
  }
}

// A key for one click: the same click, sent again, does nothing again.
export function newKey() {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

function said(problem) {
  return (problem.errors || []).map((each) => `${each.field}: ${each.problem} ${each.remedy}`).join(" ") || problem.detail;
}

function read(answer) {
  const value = typeof answer === "string" ? asObject(answer) : answer;
  if (value === null || typeof value !== "object") throw new Trouble("away"); // a page of some proxy in between
  return value;
}

function asObject(value) {
  if (value !== null && typeof value === "object") return value;
  try {
    return JSON.parse(value) ?? {};
  } catch {
    return {};
  }
}
