// The browser of the vectors: loads the data of one rule, filters its cases, shows one of them.
"use strict";
(() => {
  const box = document.getElementById("vectors");
  if (!box) return;
  const MOST_LISTED = 200;
  const loaded = new Map();

  window.perpVectors = (rule, data) => loaded.set(rule, data);

  const element = (name, attributes = {}, ...children) => {
    const made = document.createElement(name);
    for (const [key, value] of Object.entries(attributes)) {
      if (key === "onclick" || key === "oninput") made[key] = value;
      else made.setAttribute(key, value);
    }
    made.append(...children);
    return made;
  };

  const shown = (value) =>
    value === null || value === undefined ? "0" : typeof value === "string" ? value : JSON.stringify(value);

  const table = (heads, rows) =>
    element("div", { class: "md-typeset__scrollwrap" },
      element("div", { class: "md-typeset__table" },
        element("table", {},
          element("thead", {}, element("tr", {}, ...heads.map((head) => element("th", {}, head)))),
          element("tbody", {}, ...rows.map((row) => element("tr", {}, ...row.map((cell) => element("td", {}, cell))))))));

  const code = (text) => element("code", {}, text);

  const leaves = (value, path = "") =>
    value !== null && typeof value === "object"
      ? Object.entries(value).flatMap(([name, inner]) => leaves(inner, path ? `${path}.${name}` : name))
      : [[path, value]];

  const isZero = (value) => value === "0" || value === false || value === null || /^0+$/.test(String(value));

  const load = (rule) =>
    new Promise((resolve, reject) => {
      if (loaded.has(rule)) return resolve(loaded.get(rule));
      const script = element("script", { src: `vectors/${encodeURIComponent(rule)}.js` });
      script.onload = () => resolve(loaded.get(rule));
      script.onerror = () => reject(new Error(`no vectors of ${rule}`));
      document.head.append(script);
    });

  const address = (rule, id) => {
    const query = new URLSearchParams(id ? { rule, case: id } : rule ? { rule } : {});
    return rule ? `?${query}` : location.pathname;
  };

  const outcome = (step) =>
    step.expect.outcome === "rejected" ? `rejected, ${step.expect.reason}` : "accepted";

  const stepView = (step, number) => {
    const parts = [element("h4", {}, `Step ${number}: ${step.op}, ${outcome(step)}`)];
    const given = leaves(step.args).filter(([, value]) => !isZero(value));
    parts.push(table(["the operation says", ""], given.map(([path, value]) => [code(path), code(shown(value))])));
    if (step.expect.outcome === "accepted") {
      const rows = step.expect.delta.map((change) => [code(change.path), code(shown(change.value))]);
      parts.push(rows.length ? table(["becomes", ""], rows) : element("p", {}, "Nothing changes."));
    } else if (step.expect.violated.length > 1) {
      parts.push(element("p", {}, `All guards that do not hold: ${step.expect.violated.join(", ")}.`));
    }
    if (!/^0*$/.test(step.expect.root)) parts.push(element("p", {}, "Root ", code(step.expect.root)));
    return element("section", {}, ...parts);
  };

  const caseView = (rule, fixture, own) => {
    const state = { ...fixture.base, ...own.pre };
    const rows = Object.entries(state).filter(([, value]) => !isZero(value));
    return element("article", { class: "perp-case" },
      element("h3", {}, own.id),
      ...(own.decoy ? [element("p", {}, element("strong", {}, "A decoy: the expectation is wrong on purpose."))] : []),
      element("p", {}, own.comment),
      element("p", {}, `Fixture ${fixture.name}; ${own.source.kind}; ${own.flags.join(", ")}; covers ${own.covers.join(", ")}.`),
      element("p", {}, code(`perp conform --only ${own.id} -- YOUR COMMAND`)),
      ...own.steps.map(stepView),
      element("details", {}, element("summary", {}, `The state before, ${rows.length} fields that are not zero`),
        table(["path", "value"], rows.map(([path, value]) => [code(path), code(shown(value))]))));
  };

  const listView = (rule, data, wanted) => {
    const all = data.fixtures.flatMap((fixture) => fixture.cases.map((own) => [fixture, own]));
    const list = element("div", {});
    const field = element("input", { type: "search", class: "perp-filter", "aria-label": "Filter the cases",
      placeholder: `${all.length} cases: filter by id, reason, words` });
    const fill = () => {
      const words = field.value.toLowerCase().split(/\s+/).filter(Boolean);
      const fitting = all.filter(([, own]) => {
        const text = `${own.id} ${own.comment} ${own.covers.join(" ")} ${own.source.kind} ${own.flags.join(" ")}`.toLowerCase();
        return words.every((word) => text.includes(word));
      });
      const rows = fitting.slice(0, MOST_LISTED).map(([, own]) => [
        element("a", { href: address(rule, own.id), onclick: (event) => { event.preventDefault(); go(rule, own.id); } }, own.id),
        own.steps.length === 1 ? outcome(own.steps[0]) : `${own.steps.length} steps`,
        own.source.kind,
      ]);
      list.replaceChildren(table(["case", "outcome", "from"], rows));
      if (fitting.length > MOST_LISTED) list.append(element("p", {}, `and ${fitting.length - MOST_LISTED} more`));
    };
    field.oninput = fill;
    fill();
    const chosen = wanted && all.find(([, own]) => own.id === wanted);
    return element("div", {},
      element("h2", {}, `Cases of ${rule}`),
      element("p", {}, element("a", { href: location.pathname, onclick: (event) => { event.preventDefault(); go("", ""); } }, "All rules")),
      ...(wanted && !chosen ? [element("p", {}, `There is no case ${wanted}.`)] : []),
      ...(chosen ? [caseView(rule, ...chosen)] : []),
      field, list);
  };

  const show = async () => {
    const query = new URLSearchParams(location.search);
    const rule = query.get("rule");
    box.hidden = !rule;
    if (!rule) return;
    try {
      box.replaceChildren(listView(rule, await load(rule), query.get("case")));
    } catch (error) {
      box.replaceChildren(element("p", {}, String(error.message)));
    }
  };

  const go = (rule, id) => {
    history.pushState(null, "", address(rule, id));
    show().then(() => box.scrollIntoView({ block: "start" }));
  };

  document.querySelectorAll("a[data-rule]").forEach((link) => {
    link.onclick = (event) => { event.preventDefault(); go(link.dataset.rule, ""); };
  });
  window.addEventListener("popstate", show);
  show();
})();
