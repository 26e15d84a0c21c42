// The SIP user agent of deploy/demo, told by a JSON object a line what to do; it tells what happens the same way.
// usage: agent.mjs ACCOUNTS      a JSON object: {user, password} by host
import {createInterface} from "node:readline";
import {SipAgent} from "../../../deploy/demo/sip.mjs";

const SDP = "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\nm=audio 40000 RTP/AVP 0\r\n";
const say = (what) => console.log(JSON.stringify(what));
let dialog;

function follow(made) {
  dialog = made;
  dialog.handlers = {
    ringing: () => say({ringing: true}),
    early: (sdp) => say({early: sdp}),
    offered: (sdp) => { say({offered: sdp}); return SDP; },
    ended: (reason) => say({ended: reason}),
  };
}

function called(made, user, offer) {
  if (user === "busy") return made.hangUp(486);
  follow(made);
  agent.respond(made.incoming, 180, {dialog});
  say({called: user, offer});
  if (user === "answers") made.accept(SDP);
}

const actions = {
  call({uri}) {
    follow(agent.call(uri, "101"));
    dialog.offer(SDP).then((answer) => say({answered: answer}), ({message}) => say({refused: message}));
  },
  again: () => dialog.offer(SDP).then((answer) => say({answered_again: answer}), ({message}) => say({refused: message})),
  hangUp: () => dialog.hangUp(),
  count: () => say({dialogs: agent.dialogs.size, connections: agent.transport.connections.size}),
};

const agent = await SipAgent.listen("127.0.0.1", 0, called, new Map(Object.entries(JSON.parse(process.argv[2]))));
say({address: agent.address});
for await (const line of createInterface({input: process.stdin})) {
  const {do: action, ...what} = JSON.parse(line);
  try {
    actions[action](what);
  } catch ({message}) {
    say({error: message});
  }
}
await agent.close();
process.exit(); // Timers of repeats are no reason to stay.
