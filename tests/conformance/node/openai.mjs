// The official `openai` client for Node, as it comes. One command as JSON on standard input; what it was told on standard output.
import OpenAI from "openai";
import { text } from "node:stream/consumers";

const { url, key, models } = JSON.parse(await text(process.stdin));
const client = new OpenAI({ baseURL: `${url}/v1`, apiKey: key, maxRetries: 0 });
const messages = [{ role: "user", content: "Hello?" }];
const tool = {
  type: "function",
  function: { name: "weather", description: "The weather.", parameters: { type: "object", properties: { place: { type: "string" } } } },
};

async function streamed() {
  const chunks = [];
  const stream = await client.chat.completions.create({
    model: models.words, messages, stream: true, stream_options: { include_usage: true },
  });
  for await (const chunk of stream) chunks.push(chunk);
  return { text: chunks.map((chunk) => chunk.choices[0]?.delta.content ?? "").join(""), usage: chunks.at(-1).usage };
}

async function called() {
  const completion = await client.chat.completions.stream({ model: models.calls, messages, tools: [tool] }).finalChatCompletion();
  return completion.choices[0].message.tool_calls[0].function;
}

async function refused() {
  try {
    await client.chat.completions.create({ model: "nobody/none", messages });
  } catch (error) {
    return { status: error.status, code: error.code, param: error.param, kind: error.constructor.name };
  }
}

async function cutOff() {
  let told = "";
  try {
    for await (const chunk of await client.chat.completions.create({ model: models.cut, messages, stream: true }))
      told += chunk.choices[0]?.delta.content ?? "";
  } catch (error) {
    return { told, code: error.code };
  }
}

async function inTheBackground() {
  const begun = await client.responses.create({ model: models.words, input: "Hello?", background: true });
  const events = [];
  for await (const event of await client.responses.retrieve(begun.id, { stream: true })) {
    events.push(event);
    if (events.length === 6) break;
  }
  const starting_after = events.at(-1).sequence_number;
  for await (const event of await client.responses.retrieve(begun.id, { stream: true, starting_after })) events.push(event);
  const told = events.filter((event) => event.type === "response.output_text.delta").map((event) => event.delta).join("");
  return { told, last: events.at(-1).type, text: (await client.responses.retrieve(begun.id)).output_text };
}

async function inAConversation() {
  const { id } = await client.conversations.create({
    items: [{ type: "message", role: "user", content: "The cat is Mia." }], metadata: { topic: "cats" },
  });
  const answer = await client.responses.create({ model: models.words, input: "Hello?", conversation: id });
  const items = [];
  for await (const item of client.conversations.items.list(id, { order: "asc", limit: 2 })) items.push(item);
  const { deleted } = await client.conversations.delete(id);
  return {
    texts: items.map(({ content }) => content.map(({ text }) => text).join("")), last: items.at(-1).id, deleted,
    output: answer.output[0].id,
  };
}

const whole = await client.chat.completions.create({ model: models.words, messages });
const listed = [];
for await (const model of client.models.list()) listed.push(model.id);
const { data } = await client.embeddings.create({ model: "openai/text-embedding-3-small", input: ["one", "two"] });
const answer = {
  whole: whole.choices[0].message.content, listed, vectors: data.map(({ embedding }) => embedding.length),
  streamed: await streamed(), called: await called(), refused: await refused(), cutOff: await cutOff(),
  background: await inTheBackground(), conversation: await inAConversation(),
};
console.log(JSON.stringify(answer));
