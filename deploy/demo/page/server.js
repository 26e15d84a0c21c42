// What the page says to its server, and hears from it.
const token = crypto.randomUUID();

/** Asks the server for an action; throws what it says where it refuses. */
export async function ask(action, what = {}) {
  const response = await fetch(`api/${action}`, {
    method: "POST", headers: {"content-type": "application/json"}, body: JSON.stringify({token, ...what}),
  }).catch(() => { throw new Error("the server of this page cannot be reached"); });
  const answer = await response.json();
  if (answer.error) throw new Error(answer.error);
  return answer;
}

/** Calls handlers[kind](what) for all that the server tells; `lost` while it cannot be reached. */
export function listen(handlers, lost) {
  const stream = new EventSource(`live?token=${token}`);
  stream.onmessage = ({data}) => {
    const {kind, ...what} = JSON.parse(data);
    handlers[kind]?.(what);
  };
  stream.onerror = lost;
}
