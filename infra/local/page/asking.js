/** An error that a person can act on. */
export class Trouble extends Error {}

/** Call the control interface; answers its JSON. Throws Trouble with the reason in words. */
export async function ask(method, path, body) {
  let response;
  try {
    response = await fetch(path, { method, body: body && JSON.stringify(body), headers: body ? { "Content-Type": "application/json" } : {} });
  } catch {
    throw new Trouble("The local cloud does not answer. Is `dunning up` still running in its terminal?");
  }
  const text = await response.text();
  let answer;
  try {
    answer = JSON.parse(text);
  } catch {
    throw new Trouble(`${method} ${path} was answered ${response.status}, and not in JSON.`);
  }
  if (!response.ok) throw new Trouble(answer.error || `${method} ${path} was answered ${response.status}.`);
  return answer;
}
