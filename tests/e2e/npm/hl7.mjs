// A system's program: node-hl7-client, as it comes, over TLS with a client certificate. Prints the answers as JSON.
import { readFileSync } from "node:fs";
import { Client, Message } from "node-hl7-client";

const [port, authority, certificate, key] = process.argv.slice(2);
const tls = { ca: readFileSync(authority), cert: readFileSync(certificate), key: readFileSync(key) };
const client = new Client({ host: "localhost", tls: { ...tls, servername: "localhost" } });

function message(event, id, ...fields) {
  const made = new Message({
    messageHeader: { msh_9_1: "ADT", msh_9_2: event, msh_9_3: "ADT_A05", msh_10: id, msh_11_1: "P" },
  });
  made.set("MSH.3", "NODE");
  const pid = made.addSegment("PID");
  for (const [field, value] of fields) pid.set(field, value);
  return made;
}

const answers = [];
const connection = client.createConnection({ port: Number(port) }, async (response) => {
  const found = response.getMessage();
  answers.push([found.get("MSA.1").toString(), found.get("MSA.2").toString()]);
});
await new Promise((resolve) => connection.once("connect", resolve));
for (const one of [
  message("A28", "NODE-1", [3, "7001"], [5, "佐藤"], [8, "F"]),
  message("A31", "NODE-2", [3, "7001"], [5, "鈴木"], [8, "F"]),
  message("A99", "NODE-3", [3, "7001"]),
]) {
  const before = answers.length;
  await connection.sendMessage(one);
  while (answers.length === before) await new Promise((resolve) => setTimeout(resolve, 5));
}
await connection.close();
console.log(JSON.stringify(answers));
process.exit(0);
