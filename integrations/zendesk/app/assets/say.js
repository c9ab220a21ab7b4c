// The words of the agent's language.

import {WORDS} from "./words.js";

export function sayer(locale) {
  const code = String(locale || "").toLowerCase();
  const language = [code, code.split("-")[0]].find((each) => each in WORDS) || "en";
  const plurals = new Intl.PluralRules(language);
  const day = new Intl.DateTimeFormat(locale || language, {day: "numeric", month: "short", year: "numeric"});
  const minute = new Intl.DateTimeFormat(locale || language, {dateStyle: "medium", timeStyle: "short"});

  // say("a.b", {name}): the words at that place, with names filled in; for a number `n` its plural.
  const say = (path, filled = {}) => fill(chosen(find(WORDS[language], path), plurals, filled.n), filled);
  say.language = language;
  say.has = (path) => find(WORDS[language], path) !== undefined;
  say.all = (path) => Object.entries(find(WORDS[language], path));
  say.or = (path, fallback) => (say.has(path) ? say(path) : fallback);
  say.fill = fill;
  say.day = (at) => day.format(new Date(at));
  say.minute = (at) => minute.format(new Date(at));
  return say;
}

// A dot parts the path, and event names have dots: the longest name that fits is taken.
function find(words, path) {
  if (words === undefined || path === "") return words;
  if (typeof words !== "object") return undefined;
  const parts = path.split(".");
  for (let taken = parts.length; taken > 0; taken -= 1) {
    const name = parts.slice(0, taken).join(".");
    if (Object.hasOwn(words, name)) return find(words[name], parts.slice(taken).join("."));
  }
  return undefined;
}

function chosen(words, plurals, n) {
  return words !== null && typeof words === "object" && n !== undefined ? words[plurals.select(Number(n))] ?? words.other : words;
}

function fill(words, filled) {
  return String(words).replace(/\{(\w+)\}/g, (whole, name) => filled[name] ?? whole);
}

// Why a survey was not sent: the house says it in an English sentence that its history keeps.
const REASONS = [
  [/opted out/, () => ["opted_out"]],
  [/suspended/, () => ["suspended"]],
  [/asked 0 days ago, the rule is (\d+)/, (found) => ["fatigue_today", {rule: found[1]}]],
  [/asked (\d+) days ago, the rule is (\d+)/, (found) => ["fatigue", {n: found[1], rule: found[2]}]],
  [/customer's language is/, () => ["language"]],
  [/already asked/, () => ["occasion"]],
  [/no e-mail address/, () => ["address"]],
  [/does not know the customer/, () => ["gone"]],
  [/belongs to another/, () => ["other_customer"]],
  [/(ticket|callback) (was|is)/, () => ["ticket"]],
  [/no workflow/, () => ["workflow"]],
];

export function because(say, reason) {
  for (const [pattern, words] of REASONS) {
    const found = pattern.exec(reason);
    if (found) {
      const [path, filled] = words(found);
      return say(`why.${path}`, filled);
    }
  }
  return say("why.unknown", {reason: reason.replace(/^not sent: /, "")});
}
