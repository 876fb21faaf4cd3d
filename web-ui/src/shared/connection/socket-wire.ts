/** The first rung: the full socket. */
import type { Wire, WireEvents } from "@/shared/connection/wire";
import type { ServerFrame } from "@/shared/wire/generated";
import { PROTOCOL } from "@/shared/wire/generated";

type OpenSocket = (url: string, protocol: string) => WebSocket;

export function openSocketWire(
  url: string,
  events: WireEvents,
  open: OpenSocket = (to, protocol) => new WebSocket(to, protocol),
): Wire {
  const socket = open(url, PROTOCOL);
  socket.onmessage = ({ data }) => {
    if (typeof data === "string") events.onFrame(JSON.parse(data) as ServerFrame);
  };
  socket.onclose = ({ code }) => {
    socket.onmessage = socket.onclose = null;
    events.onClose(code);
  };
  return {
    send: (frame) => socket.send(JSON.stringify(frame)),
    close: () => {
      socket.onmessage = socket.onclose = null;
      socket.close();
    },
  };
}
