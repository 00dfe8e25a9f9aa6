// The page of the playground: what is typed goes to the worker, what comes back is shown. All text is set as text.
"use strict";

(() => {
  const place = (id) => document.getElementById(`play-${id}`);
  const status = place("status");
  if (location.protocol === "file:") return;

  const waiting = new Map();
  let worker;
  let scene;
  let proof;
  let expected;
  let next = 0;

  // Elements

  function element(name, attributes, ...children) {
    const made = document.createElement(name);
    for (const [key, value] of Object.entries(attributes ?? {})) made.setAttribute(key, value);
    made.append(...children);
    return made;
  }

  const text = (words) => element("p", {}, words);
  const code = (words) => element("code", {}, words);
  const digest = (words) => element("code", { class: "play-digest" }, words);
  const verdict = (good, words) => element("span", { class: "play-verdict", "data-good": good ? "yes" : "no" }, words);

  function table(head, rows, kind = "play-records") {
    const heading = element("tr", {}, ...head.map((words) => element("th", { scope: "col" }, words)));
    const body = rows.map(({ cells, falsehood }) =>
      element("tr", falsehood ? { class: "play-false" } : {}, ...cells.map(cell)),
    );
    const made = element("table", { class: kind }, element("thead", {}, heading), element("tbody", {}, ...body));
    return element("div", { class: "play-scroll", tabindex: "0", role: "region", "aria-label": head[0] }, made);
  }

  function cell(content) {
    const numeric = typeof content === "string" && /^-?[\d,.]+$/.test(content);
    return element("td", numeric ? { class: "play-number" } : {}, content);
  }

  // 1234567 is read as 1,234,567; digests and what is no integer stay as they are.
  const grouped = (value) => {
    const shown = Array.isArray(value) ? value.map(grouped).join(", ") : String(value);
    return /^-?\d{5,40}$/.test(shown) ? shown.replace(/\B(?=(\d{3})+$)/g, ",") : shown;
  };
  const shortened = (shown) => (/^[0-9a-f]{64}$/.test(shown) ? `${shown.slice(0, 12)}…` : shown);

  // The worker

  function ask(call, ...given) {
    next += 1;
    const id = next;
    const answered = new Promise((resolve, reject) => waiting.set(id, { resolve, reject }));
    worker.postMessage({ id, call, given });
    return answered;
  }

  function heard({ data }) {
    if (data.note) noted(data.note);
    else if (data.ready) ready();
    else if (data.broken) failed(data.broken);
    else {
      const { resolve, reject } = waiting.get(data.id);
      waiting.delete(data.id);
      if (data.failure) reject(new Error(data.failure));
      else resolve(data.answer);
    }
  }

  function noted(words) {
    const working = document.querySelector(".play-working span");
    if (working) working.textContent = words;
    else if (status.dataset.state === "starting") status.textContent = `${words} …`;
  }

  function ready() {
    status.dataset.state = "ready";
    status.textContent = "Python is ready; the rules are read.";
    enable(true);
  }

  function failed(words) {
    status.dataset.state = "failed";
    status.textContent = `This page does not work here: ${words}`;
  }

  function enable(on) {
    for (const id of ["run", "verify", "tamper"]) place(id).disabled = !on;
  }

  // Shows that something goes on, and for how long, until it is done.
  async function working(target, words, job) {
    enable(false);
    const seconds = element("small", {}, "0 s");
    const shown = element("span", {}, words);
    target.replaceChildren(
      element("div", { class: "play-working" }, element("progress", {}), shown, " · ", seconds),
    );
    const started = performance.now();
    const ticking = setInterval(() => {
      seconds.textContent = `${Math.floor((performance.now() - started) / 1000)} s`;
    }, 250);
    try {
      const parts = await job();
      target.replaceChildren(...parts);
    } catch (error) {
      target.replaceChildren(text(verdict(false, "internal error")), text(error.message));
    } finally {
      clearInterval(ticking);
      enable(true);
    }
  }

  // Operations

  function choose(preset, button) {
    for (const other of place("presets").children) other.setAttribute("aria-pressed", String(other === button));
    place("text").textContent = preset.text;
    place("operations").value = preset.operations;
    place("result").replaceChildren();
  }

  function reset() {
    place("state").value = scene.state;
    place("config").value = scene.config;
    place("time").value = scene.time;
    place("byte").value = String(Math.floor(proof.length / 2));
  }

  const texts = () => ["config", "state", "operations", "time"].map((id) => place(id).value);

  const run = () => working(place("result"), "applying", async () => outcome(await ask("apply", ...texts())));

  function outcome(answer) {
    const odd = (answer.inconsistent ?? []).map((finding) => text(`The state is none that operations lead to: ${finding}`));
    if (answer.malformed) return [text(verdict(false, "malformed")), text(code(answer.malformed.message))];
    if (answer.impossible) return [text(verdict(false, "no such state")), ...odd, text(code(answer.impossible))];
    if (answer.header) return [text(verdict(false, answer.header.reason)), guardTable(answer.header.guards), ...odd];
    const taken = answer.outcomes.filter((one) => one.accepted).length;
    const head = taken === answer.outcomes.length ? "accepted" : taken ? "accepted in part" : "rejected";
    return [
      text(verdict(taken === answer.outcomes.length, `${head}: ${taken} of ${answer.outcomes.length}`)),
      ...odd,
      ...answer.outcomes.map(operation),
      element("h3", {}, "Accounts, before and after"),
      accounts(answer.accounts),
      element("h3", {}, "What changed in the state"),
      changes(answer.changed),
      element("h3", {}, "The batch"),
      batch(answer),
      goingOn(answer),
    ];
  }

  function operation(one) {
    const summary = element("summary", {}, verdict(one.accepted, one.accepted ? "accepted" : "rejected"), ` ${one.what}`);
    const count = `${one.guards.length} guards`;
    if (one.accepted) return element("details", {}, summary, text(`${count}, all hold.`), guardTable(one.guards));
    const broken = one.guards.filter((guard) => !guard.holds);
    return element(
      "details",
      { open: "" },
      summary,
      text(`Rejected with ${one.reason}: ${one.sentence} Of ${count} these do not hold:`),
      guardTable(broken),
      element("details", {}, element("summary", {}, `All ${count}`), guardTable(one.guards)),
    );
  }

  const compared = ({ left, relation, right }) =>
    `${shortened(grouped(left))} ${relation.replace(" (products)", "")} ${shortened(grouped(right))}`;

  // As `perp explain`: of a false guard the comparisons that are false.
  function guardTable(guards) {
    const rows = guards.map((guard) => {
      const numbers = guard.numbers.filter((one) => guard.holds || !one.holds).map(compared);
      const link = element("a", { href: `../reasons.html#${guard.reason.toLowerCase()}` }, guard.reason);
      const lines = element("span", {}, ...numbers.map((one) => element("span", { class: "play-line" }, one)));
      return { cells: [link, guard.holds ? "holds" : "FALSE", lines], falsehood: !guard.holds };
    });
    return table(["Guard", "", "Numbers"], rows, "play-guards");
  }

  const moved = (before, after) => (before === after ? after : `${before} → ${after}`);

  function accounts(listed) {
    const rows = listed.map(({ name, before, after }) => ({
      cells: [
        name,
        moved(before.standing, after.standing),
        moved(before.equity, after.equity),
        moved(before.maintenance, after.maintenance),
        moved(before.positions.join(", ") || "none", after.positions.join(", ") || "none"),
      ],
    }));
    return table(["Account", "Standing", "Equity", "Maintenance margin", "Positions"], rows);
  }

  function changes(changed) {
    const rows = changed.flatMap(({ record, key, fields }) =>
      fields.map(({ name, before, after, unit, text: meaning }) => ({
        cells: [
          `${record} ${key.join("/")}`,
          element("span", { title: meaning }, name),
          shortened(grouped(before)),
          shortened(grouped(after)),
          unit,
        ],
      })),
    );
    return table(["Record", "Field", "Before", "After", "Unit"], rows);
  }

  function batch(answer) {
    const rows = Object.entries(answer.statement).map(([name, value]) => ({ cells: [label(name), digest(value)] }));
    rows.push({ cells: ["mode", digest(answer.mode)] }, { cells: ["vault", digest(answer.vault)] });
    if (answer.claimed_root_differs) rows.push({ cells: ["root in the header", "not that of the records"] });
    return table(["The batch", ""], rows);
  }

  const label = (name) => name.replaceAll("_", " ");

  function goingOn(answer) {
    const on = element("button", { class: "md-button", type: "button", id: "play-on" }, "Go on from this state");
    on.addEventListener("click", () => {
      place("state").value = answer.state;
      place("time").value = String(BigInt(answer.statement.time) + 60n);
      place("state-details").scrollIntoView({ block: "center" });
    });
    return element("div", { class: "play-buttons" }, on);
  }

  // Proofs

  // What the rules in this page give for the trade that was proved.
  async function known() {
    const trade = scene.presets[0].operations;
    expected ??= (await ask("apply", scene.config, scene.state, trade, scene.time)).statement;
    return JSON.stringify(expected);
  }

  const verify = (data, words) =>
    working(place("proof"), "recording the rules", async () => {
      const started = performance.now();
      const answer = await ask("verify", data, await known());
      return judged(answer, words, (performance.now() - started) / 1000);
    });

  function judged(answer, words, seconds) {
    const same = Object.values(answer.compared ?? {}).every(Boolean);
    const good = answer.verified && same;
    const reason = answer.refused ?? (same ? "" : "the statement is not the one that the rules give here");
    return [
      text(verdict(good, good ? "verified" : "refused")),
      text(`${words} ${good ? `${answer.security.bits.toFixed(1)} proven bits.` : `Refused: ${reason}.`}`),
      text(`${grouped(answer.bytes)} bytes, ${seconds.toFixed(1)} s in this browser.`),
      ...(answer.statement ? [statement(answer)] : []),
      ...(answer.security ? security(answer.security) : []),
    ];
  }

  function statement({ statement: parts, compared = {} }) {
    const rows = Object.entries(parts).map(([name, value]) => {
      const found = name in compared ? (compared[name] ? "the same here" : "not what the rules give here") : "";
      return { cells: [label(name), digest(value), found], falsehood: compared[name] === false };
    });
    return table(["The statement", "", "Run in this page"], rows);
  }

  function security(figure) {
    const rows = Object.entries(figure.rounds).map(([name, bits]) => ({ cells: [name, bits.toFixed(2)] }));
    return [
      element("h3", {}, "How secure that is"),
      text(`${figure.rests_on} ${figure.digests}.`),
      table(["Round", "Proven bits"], rows),
    ];
  }

  function tamper() {
    const chosen = place("byte").value.trim();
    const at = /^\d{1,9}$/.test(chosen) ? Number(chosen) : -1;
    if (at < 0 || at >= proof.length) {
      const most = proof.length - 1;
      place("proof").replaceChildren(text(verdict(false, "malformed")), text(`Byte to change: expected 0 to ${most}.`));
      return;
    }
    const changed = proof.slice();
    changed[at] ^= 1;
    const hexadecimal = (value) => value.toString(16).padStart(2, "0");
    verify(changed, `Byte ${at} was ${hexadecimal(proof[at])} and is ${hexadecimal(changed[at])}.`);
  }

  // The beginning

  async function fetched(name) {
    const response = await fetch(name);
    if (!response.ok) throw new Error(`${name}: ${response.status} ${response.statusText}`);
    return response;
  }

  async function begin() {
    status.dataset.state = "starting";
    status.textContent = "starting …";
    scene = await (await fetched("scene.json")).json();
    proof = new Uint8Array(await (await fetched("batch.proof")).arrayBuffer());
    const buttons = scene.presets.map((preset) => {
      const button = element("button", { class: "md-button", type: "button", "aria-pressed": "false" }, preset.title);
      button.addEventListener("click", () => choose(preset, button));
      return button;
    });
    place("presets").replaceChildren(...buttons);
    reset();
    choose(scene.presets[0], buttons[0]);
    place("size").textContent = `of ${grouped(proof.length)}; its lowest bit is turned over`;
    place("run").addEventListener("click", run);
    place("reset").addEventListener("click", reset);
    place("verify").addEventListener("click", () => verify(proof, "The proof as it was shipped."));
    place("tamper").addEventListener("click", tamper);
    worker = new Worker("worker.js", { type: "module" });
    worker.addEventListener("message", heard);
    worker.addEventListener("error", (event) => failed(event.message ?? "the worker does not start"));
  }

  begin().catch((error) => failed(error.message));
})();
