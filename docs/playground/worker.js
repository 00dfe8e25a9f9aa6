// Runs Python for the playground, apart from the page, so that the page stays responsive.
//
// A message in is {id, call, given}; messages out are {note} while something goes on, {id, answer} with a document, or
// {id, failure} with a text. The first thing it does, unasked, is to start Python; it says {ready} then.

import { loadPyodide } from "./pyodide/pyodide.mjs";

const GLUE = `
import json
from perp_cli import playground


def answer(call, note, given):
    if call == "apply":
        return json.dumps(playground.apply(*given))
    if call == "proof_document":
        return json.dumps(playground.proof_document(given[0].to_bytes()))
    return json.dumps(playground.verify(given[0].to_bytes(), json.loads(given[1]), note))


answer
`;

const note = (text) => postMessage({ note: text });

async function fetched(name) {
  const response = await fetch(new URL(name, import.meta.url));
  if (!response.ok) throw new Error(`${name}: ${response.status} ${response.statusText}`);
  return response.arrayBuffer();
}

async function started() {
  note("starting Python");
  const pyodide = await loadPyodide({ indexURL: new URL("./pyodide/", import.meta.url).href });
  note("reading the rules");
  pyodide.unpackArchive(await fetched("playground.zip"), "zip", { extractDir: "/perpspec" });
  pyodide.runPython('import sys; sys.path.insert(0, "/perpspec")');
  const answer = pyodide.runPython(GLUE);
  postMessage({ ready: true });
  return answer;
}

// The last line of what Python says: the exception, without the way there.
const lastLine = (error) => String(error?.message ?? error).trim().split("\n").at(-1);

const answering = started();
answering.catch((error) => postMessage({ broken: lastLine(error) }));

addEventListener("message", async ({ data: { id, call, given } }) => {
  try {
    const answer = await answering;
    postMessage({ id, answer: JSON.parse(answer(call, note, given)) });
  } catch (error) {
    postMessage({ id, failure: lastLine(error) });
  }
});
