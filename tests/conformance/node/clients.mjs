// Other front ends' own clients. Commands come as lines of JSON with a `number`, answers go with the same number.
import { HttpAgent } from "@ag-ui/client";
import { AbstractChat, DefaultChatTransport } from "ai";
import { createInterface } from "node:readline";

// AG-UI's client throws a cut connection once more where nobody can catch it.
process.on("uncaughtException", (error) => console.error(String(error)));

class Chat extends AbstractChat {
  constructor({ id, messages, transport, told }) {
    const state = {
      status: "ready",
      error: undefined,
      messages,
      pushMessage: (message) => void (state.messages = [...state.messages, message]),
      popMessage: () => void (state.messages = state.messages.slice(0, -1)),
      replaceMessage: (at, message) => void (state.messages = state.messages.with(at, structuredClone(message))),
      snapshot: (thing) => structuredClone(thing),
    };
    super({ id, transport, state, onFinish: (end) => Object.assign(told, flagsOf(end)), onData: (part) => told.data.push(part) });
    this.kept = state;
  }
}

const flagsOf = ({ isAbort, isDisconnect, isError, finishReason }) => ({ isAbort, isDisconnect, isError, finishReason });

const messageOf = ({ send, id }) =>
  id === undefined ? { text: send } : { id, role: "user", parts: [{ type: "text", text: send }] };

// `steps`: {send: text, id?} | {regenerate: id?} | {resume: true} | {edit: [id, text]}, one after the other; the chat after them.
async function uiChat({ url, key, chat: id, messages = [], body = {}, steps }) {
  const chunks = [];
  const told = { data: [] };
  const statuses = [];
  const transport = new DefaultChatTransport({
    api: `${url}/api/ui/chat`,
    headers: { authorization: `Bearer ${key}` },
    body,
    fetch: async (address, options) => {
      const response = await fetch(address, options);
      statuses.push(response.status);
      return response;
    },
  });
  const process = transport.processResponseStream.bind(transport);
  transport.processResponseStream = (stream) =>
    process(stream).pipeThrough(
      new TransformStream({
        transform(chunk, controller) {
          chunks.push(chunk);
          controller.enqueue(chunk);
        },
      }),
    );
  const chat = new Chat({ id, messages, transport, told });
  for (const step of steps) {
    if (step.send !== undefined) await chat.sendMessage(messageOf(step));
    if (step.edit !== undefined) await chat.sendMessage({ text: step.edit[1], messageId: step.edit[0] });
    if ("regenerate" in step) await chat.regenerate(step.regenerate ? { messageId: step.regenerate } : {});
    if (step.resume) await chat.resumeStream();
  }
  const { status, error } = chat.kept;
  return { messages: chat.kept.messages, status, error: error?.message ?? null, chunks, statuses, ...told };
}

const pause = () => new Promise((resolve) => setTimeout(resolve, 30));

const isWhole = (chunks) => ["finish", "abort", "error"].includes(chunks.at(-1)?.type);

// One message over a bad network: sent, then resumed until it is there as a whole, or was written meanwhile.
async function uiChatThrough({ url, key, chat, text, id, body, most = 2000 }) {
  const attempts = [];
  let steps = [{ send: text, id }];
  let messages = [];
  for (let number = 0; number < most; number++) {
    if (number > 0) await pause();
    const tried = await uiChat({ url, key, chat, messages, body, steps });
    messages = tried.messages;
    attempts.push({ whole: isWhole(tried.chunks), error: tried.error, message: messages.at(-1), statuses: tried.statuses });
    if (isWhole(tried.chunks)) return { attempts };
    const isThere = tried.statuses.at(-1) === 204 && (await storedMessages(url, key, chat));
    if (isThere) return { attempts: [...attempts, { whole: true, error: null, message: isThere.at(-1), statuses: [] }] };
    steps = tried.statuses.length === 0 || tried.statuses.at(-1) === 204 ? [{ send: text, id }] : [{ resume: true }];
    if (steps[0].send !== undefined) messages = [];
  }
  return { attempts };
}

async function storedMessages(url, key, chat) {
  for (;;) {
    try {
      const response = await fetch(`${url}/api/ui/chat/${chat}/messages`, { headers: { authorization: `Bearer ${key}` } });
      return response.status === 200 ? await response.json() : null;
    } catch {
      await pause(); // cut again
    }
  }
}

async function agUiThrough({ url, key, thread, messages, props, most = 2000 }) {
  const attempts = [];
  for (let number = 0; number < most; number++) {
    if (number > 0) await pause();
    const { messages: all, error, ended } = await agUi({ url, key, thread, messages, props });
    const whole = ended !== null || error?.code !== undefined;
    attempts.push({ whole, error: error?.message ?? null, messages: all.slice(messages.length) });
    if (whole) break;
  }
  return { attempts };
}

async function agUi({ url, key, thread, messages, props = {} }) {
  const events = [];
  const agent = new HttpAgent({
    url: `${url}/api/ag-ui`,
    headers: { authorization: `Bearer ${key}` },
    threadId: thread,
    initialMessages: messages,
  });
  let error = null;
  let ended = null;
  try {
    await agent.runAgent(
      { forwardedProps: props },
      {
        onEvent: ({ event }) => void events.push(event),
        onRunErrorEvent: ({ event }) => void (error = event),
        onRunFinishedEvent: ({ event }) => void (ended = event),
      },
    );
  } catch (thrown) {
    error ??= { message: String(thrown?.message ?? thrown) };
  }
  return { messages: agent.messages, events, error, ended };
}

const eventStream = (text) => new Response(text, { headers: { "content-type": "text/event-stream" } });

// Streams as they were encoded, without a server.
async function uiRead({ text, sdk }) {
  const { DefaultChatTransport: Transport, readUIMessageStream } = await import(sdk);
  const transport = new Transport({ fetch: async () => eventStream(text) });
  const stream = await transport.sendMessages({ chatId: "c", messages: [], trigger: "submit-message" });
  let error = null;
  let message = null;
  const terminateOnError = false;
  for await (message of readUIMessageStream({ stream, terminateOnError, onError: (said) => (error = said.message) }));
  return { message, error };
}

async function agRead({ text }) {
  const agent = new HttpAgent({ url: "http://test/", threadId: "t", fetch: async () => eventStream(text) });
  let error = null;
  const custom = [];
  try {
    await agent.runAgent(
      { runId: "r" },
      { onRunErrorEvent: ({ event }) => void (error = event.message), onCustomEvent: ({ event }) => void custom.push(event) },
    );
  } catch (thrown) {
    error ??= String(thrown?.message ?? thrown);
  }
  return { messages: agent.messages, custom, error };
}

const DO = { "ui-chat": uiChat, "ui-chat-through": uiChatThrough, "ag-ui": agUi, "ag-ui-through": agUiThrough, "ui-read": uiRead, "ag-read": agRead };

console.log("ready");
for await (const line of createInterface({ input: process.stdin })) {
  const { number, does, ...command } = JSON.parse(line);
  DO[does](command).then(
    (answer) => console.log(JSON.stringify({ number, answer })),
    (error) => console.log(JSON.stringify({ number, error: String(error?.stack ?? error) })),
  );
}
