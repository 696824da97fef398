// Client of /api/v1; an error comes with the sentence of the answer's own problem.

const PATIENCE_MS = 10000;

/** Return the JSON of a path below /api/v1; throws an Error whose message a person can read. */
export async function ask(path, parameters = {}) {
  const query = new URLSearchParams(parameters);
  let answer;
  let document;
  try {
    answer = await fetch(`api/v1/${path}${query.size ? `?${query}` : ""}`, { signal: AbortSignal.timeout(PATIENCE_MS) });
    document = await answer.json();
  } catch {
    throw new Error("health does not answer");
  }
  if (!answer.ok) throw new Error(document.detail ?? `health answers ${answer.status}`);
  return document;
}
