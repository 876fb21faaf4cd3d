// Other front ends' own clients. Commands come as lines of JSON with a `number`, answers go with the same number.
import { HttpAgent } from "@ag-ui/client";
import { AbstractChat, DefaultChatTransport } from "ai";
import { createInterface } from "node:readline";

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

// `steps`: {send: text} | {regenerate: id?} | {resume: true} | {edit: [id, text]}, one after the other; the chat after them.
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
    if (step.send !== undefined) await chat.sendMessage({ text: step.send, ...(step.as && { id: undefined }) });
    if (step.edit !== undefined) await chat.sendMessage({ text: step.edit[1], messageId: step.edit[0] });
    if ("regenerate" in step) await chat.regenerate(step.regenerate ? { messageId: step.regenerate } : {});
    if (step.resume) await chat.resumeStream();
  }
  const { status, error } = chat.kept;
  return { messages: chat.kept.messages, status, error: error?.message ?? null, chunks, statuses, ...told };
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

const DO = { "ui-chat": uiChat, "ag-ui": agUi };

for await (const line of createInterface({ input: process.stdin })) {
  const { number, does, ...command } = JSON.parse(line);
  DO[does](command).then(
    (answer) => console.log(JSON.stringify({ number, answer })),
    (error) => console.log(JSON.stringify({ number, error: String(error?.stack ?? error) })),
  );
}
