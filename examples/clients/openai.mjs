// npm's `openai` against a running `vlm serve`:
//
//     vlm serve &
//     cd examples/clients && npm install && node openai.mjs [http://127.0.0.1:8000/v1]
//
// Models, a question about a picture, a stream with usage, structured output, a sound, a transcription, an error.
import assert from "node:assert/strict";
import { createReadStream, readFileSync } from "node:fs";
import OpenAI from "openai";
import { zodResponseFormat } from "openai/helpers/zod";
import { z } from "zod";

const client = new OpenAI({ baseURL: process.argv[2] ?? "http://127.0.0.1:8000/v1", apiKey: "none", maxRetries: 0 });
const example = (name) => new URL(`../${name}`, import.meta.url);
const base64 = (name) => readFileSync(example(name)).toString("base64");
const asked = (...content) => [{ role: "user", content }];
const text = (text) => ({ type: "text", text });
const picture = (name) => ({
  type: "image_url",
  image_url: { url: `data:image/png;base64,${base64(name)}`, detail: "high" },
});

const { data: models } = await client.models.list();
const model = models[0].id;
console.log("models       ", models.map((one) => one.id));
assert.equal((await client.models.retrieve(model)).id, model);

const circles = asked(picture("shapes.png"), text("How many circles are there?"));
const { data: answer, request_id } = await client.chat.completions.create({ model, messages: circles }).withResponse();
console.log("chat         ", answer.choices[0].message.content, answer.usage, request_id);
assert.equal(answer.choices[0].finish_reason, "stop");

const stream = await client.chat.completions.create({
  model,
  messages: asked(picture("chart.png"), text("Describe the image in detail.")),
  max_completion_tokens: 64,
  stream: true,
  stream_options: { include_usage: true },
});
let pieces = 0, usage;
process.stdout.write("stream        ");
for await (const chunk of stream) {
  process.stdout.write(chunk.choices[0]?.delta?.content ?? "");
  pieces += chunk.choices.length;
  usage = chunk.usage ?? usage;
}
console.log("\nusage        ", usage, `in ${pieces} chunks`);
assert(pieces > 2 && usage.completion_tokens > 0);

const Count = z.object({ circles: z.number().int(), colours: z.array(z.enum(["red", "green", "blue"])) });
const parsed = await client.chat.completions.parse({
  model,
  messages: [{ role: "developer", content: "Look at the picture." }, ...circles],
  response_format: zodResponseFormat(Count, "count"),
  max_tokens: 200,
});
console.log("parse        ", parsed.choices[0].message.parsed);
assert(Number.isInteger(parsed.choices[0].message.parsed.circles));

const runner = client.chat.completions.stream({ model, messages: circles, response_format: zodResponseFormat(Count, "count"), max_tokens: 200 });
assert.deepEqual((await runner.finalChatCompletion()).choices[0].message.parsed, parsed.choices[0].message.parsed);

const sound = { type: "input_audio", input_audio: { data: base64("question.wav"), format: "wav" } };
const heard = await client.chat.completions.create({ model, messages: asked(sound, text("What is said?")), n: 2 });
console.log("input_audio  ", heard.choices.map((choice) => choice.message.content));
assert.equal(heard.choices.length, 2);

const written = await client.audio.transcriptions.create({ model, file: createReadStream(example("question.wav")) });
console.log("transcription", written.text);
assert.equal(typeof written.text, "string");

await assert.rejects(
  client.chat.completions.create({ model, messages: circles, temperature: 9 }),
  (error) => error instanceof OpenAI.BadRequestError && error.param === "temperature",
);
console.log("error         temperature 9 is a BadRequestError that names it");
